/* SPDX-License-Identifier: MIT */
#include "app/stats_sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/activation.h"
#include "app/inherit.h"
#include "app/sockets.h"
#include "base/addr.h"
#include "config/faults.h"
#include "config/model.h"
#include "proxy/addresses.h"

static ptrdiff_t
find_addr(const struct stats_sockets *s, const struct addr *addr)
{
    for (size_t i = 0; i < s->count; i++) {
        if (addr_equal(&s->addrs[i], addr))
            return (ptrdiff_t)i;
    }
    return -1;
}

bool
stats_sockets_have(const struct stats_sockets *s, const struct addr *addr)
{
    return find_addr(s, addr) >= 0;
}

/* --- opening -------------------------------------------------------------- */

static int
find_or_listen(const struct addr *addr, unsigned backlog,
               struct inherit *inherit)
{
    int fd = inherit_take(inherit, addr, 0);

    if (fd >= 0)
        sockets_set_backlog(fd, backlog);
    if (fd < 0)
        fd = activation_take(addr);
    return fd >= 0 ? fd : sockets_listen(addr, backlog);
}

static void
add(struct stats_sockets *s, const struct addr *addr, int fd, bool kept)
{
    s->fds[s->count] = fd;
    s->addrs[s->count] = *addr;
    s->kept[s->count++] = kept;
}

static void
open_one(struct stats_sockets *s, const struct stats_sockets *before,
         const struct listen_conf *conf, struct addresses *addresses,
         struct inherit *inherit, struct faults *faults)
{
    struct addr addr;
    ptrdiff_t k;
    int fd;

    if (addresses_resolve(addresses, &addr, 1, &conf->address, conf->at,
                          faults) < 0)
        return;
    if (stats_sockets_have(s, &addr)) {
        faults_add_at(faults, conf->at,
                      "'" STR_FMT "' is the same address as another one of "
                      "[stats]",
                      STR_ARG(conf->address.text));
        return;
    }
    k = before == NULL ? -1 : find_addr(before, &addr);
    if (k >= 0) {
        sockets_set_backlog(before->fds[k], conf->backlog);
        add(s, &addr, before->fds[k], true);
        return;
    }
    fd = find_or_listen(&addr, conf->backlog, inherit);
    if (fd >= 0)
        add(s, &addr, fd, false);
    else
        faults_add_at(faults, conf->at, "cannot listen on " STR_FMT ": %s",
                      STR_ARG(conf->address.text),
                      errno == EADDRINUSE
                          ? "the address is in use by another program"
                          : strerror(errno));
}

int
stats_sockets_open(struct stats_sockets *s, const struct stats_sockets *before,
                   const struct config *config, struct addresses *addresses,
                   struct inherit *inherit, struct faults *faults)
{
    size_t faults_before = faults->count;
    size_t n = 1;

    for (size_t i = 0; i < config->stats_count; i++)
        n += config->stats[i].listen_count;
    *s = (struct stats_sockets){
        .fds = calloc(n, sizeof(*s->fds)),
        .addrs = calloc(n, sizeof(*s->addrs)),
        .kept = calloc(n, sizeof(*s->kept)),
    };
    if (s->fds == NULL || s->addrs == NULL || s->kept == NULL) {
        faults_add(faults, config->file.p, 0, "there is no memory for [stats]");
        return -1;
    }
    for (size_t i = 0; i < config->stats_count; i++) {
        const struct stats_conf *conf = &config->stats[i];

        for (size_t k = 0; k < conf->listen_count; k++)
            open_one(s, before, &conf->listens[k], addresses, inherit, faults);
    }
    return faults->count > faults_before ? -1 : 0;
}

/* --- closing -------------------------------------------------------------- */

static void
free_tables(struct stats_sockets *s)
{
    free(s->fds);
    free(s->addrs);
    free(s->kept);
    *s = (struct stats_sockets){.count = 0};
}

void
stats_sockets_leave(struct stats_sockets *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->fds[i] >= 0)
            close(s->fds[i]);
        s->fds[i] = -1;
    }
}

void
stats_sockets_close(struct stats_sockets *s)
{
    stats_sockets_leave(s);
    free_tables(s);
}

void
stats_sockets_give_up(struct stats_sockets *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!s->kept[i])
            close(s->fds[i]);
    }
    free_tables(s);
}

void
stats_sockets_replace(struct stats_sockets *s, struct stats_sockets *next)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!stats_sockets_have(next, &s->addrs[i]))
            close(s->fds[i]);
    }
    free_tables(s);
    *s = *next;
    *next = (struct stats_sockets){.count = 0};
}
