/* SPDX-License-Identifier: MIT */
#include "app/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/activation.h"
#include "app/inherit.h"
#include "base/log.h"
#include "config/faults.h"
#include "proxy/addresses.h"
#include "proxy/listener.h"
#include "proxy/runtime.h"

enum {
    BACKLOG_LARGEST = 65535, /* the kernel cuts it to its own limit */
    SOCKET_FILE_MODE = 0666, /* as nginx: who may enter its folder may speak */
};

static int
set_option(int fd, int level, int name)
{
    int one = 1;

    return setsockopt(fd, level, name, &one, sizeof(one));
}

/* A bound TCP socket; SHARED with others of this user that say so, too. */
static int
bind_tcp(const struct addr *addr, bool shared)
{
    int family = addr->sa.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR) < 0 ||
        (shared && set_option(fd, SOL_SOCKET, SO_REUSEPORT) < 0) ||
        (family == AF_INET6 && set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0) ||
        bind(fd, &addr->sa, addr->len) < 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int
listen_tcp(const struct addr *addr, int backlog)
{
    int fd = bind_tcp(addr, true);

    if (fd < 0 || listen(fd, backlog) == 0)
        return fd;
    close(fd);
    errno = EADDRINUSE;
    return -1;
}

/* SO_REUSEPORT would let a second instance share the port unnoticed, so a
 * socket without it asks first whether the address is free. */
static int
probe_tcp(const struct addr *addr)
{
    int fd = bind_tcp(addr, false);

    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static bool
is_unix(const struct addr *addr)
{
    return addr->sa.sa_family == AF_UNIX;
}

static int
backlog_of(const struct listener *listener)
{
    unsigned backlog = listener->conf->backlog;

    return backlog == 0 ? BACKLOG_LARGEST : (int)backlog;
}

/* A socket that was there before this program: one for all workers, with a
 * descriptor each. Its file, if it has one, is not this program's. */
static int
adopt_listener(struct sockets *s, size_t i, const struct listener *listener)
{
    int *fds = &s->fds[i * s->columns];

    fds[0] = activation_take(&listener->addr);
    for (unsigned w = 1; w < s->columns; w++) {
        fds[w] = fcntl(fds[0], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (fds[w] < 0)
            return -1;
    }
    return 0;
}

/* An inherited one whose file somebody has removed cannot be reached. */
static int
open_file(struct socket_file *file, const struct listener *listener,
          struct inherit *inherit)
{
    int fd = inherit_take(inherit, &listener->addr, 0);

    if (fd >= 0 && socket_file_adopt(file, &listener->addr, fd) == 0)
        return listen(fd, backlog_of(listener));
    if (fd >= 0)
        close(fd);
    return socket_file_open(file, &listener->addr, SOCKET_FILE_MODE,
                            backlog_of(listener));
}

/* An inherited one has the backlog that is configured now, too. */
static int
open_tcp(const struct listener *listener, struct inherit *inherit,
         unsigned column, bool wanted)
{
    int backlog = backlog_of(listener);
    int fd = inherit_take(inherit, &listener->addr, column);

    if (fd >= 0 && listen(fd, backlog) < 0)
        log_warn("cannot change the backlog of " STR_FMT ": %s",
                 STR_ARG(listener->conf->address.text), strerror(errno));
    return fd < 0 && wanted ? listen_tcp(&listener->addr, backlog) : fd;
}

static int
open_listener(struct sockets *s, size_t i, const struct listener *listener,
              struct inherit *inherit)
{
    int *fds = &s->fds[i * s->columns];

    if (activation_has(&listener->addr))
        return adopt_listener(s, i, listener);
    if (is_unix(&listener->addr)) {
        if (open_file(&s->files[i], listener, inherit) < 0)
            return -1;
        for (unsigned w = 0; w < s->workers; w++)
            fds[w] = s->files[i].fd;
        return 0;
    }
    for (unsigned w = 0; w < s->columns; w++) {
        fds[w] = open_tcp(listener, inherit, w, w < s->workers);
        if (w < s->workers && fds[w] < 0)
            return -1;
    }
    return 0;
}

static void
add_fault(struct faults *faults, const struct listener *listener)
{
    faults_add_at(
        faults, listener->conf->at, "cannot listen on " STR_FMT ": %s",
        STR_ARG(listener->conf->address.text),
        errno == EADDRINUSE ? "the address is in use by another program"
                            : strerror(errno));
}

static unsigned
count_columns(const struct runtime *runtime, unsigned workers,
              const struct sockets *before, const struct inherit *inherit)
{
    unsigned columns = before != NULL ? before->columns : workers;

    for (size_t i = 0; i < runtime->listener_count; i++) {
        unsigned more = inherit_columns(inherit, &runtime->listeners[i].addr);

        if (more > columns)
            columns = more;
    }
    return columns;
}

static void
init(struct sockets *s, const struct runtime *runtime, unsigned workers,
     unsigned columns)
{
    size_t count = runtime->listener_count;

    *s = (struct sockets){
        .listener_count = count,
        .workers = workers,
        .columns = columns,
        .fds = xmalloc((count * columns + 1) * sizeof(int)),
        .files = xcalloc(count + 1, sizeof(struct socket_file)),
        .addrs = xcalloc(count + 1, sizeof(struct addr)),
        .kept = xcalloc(count + 1, sizeof(bool)),
        .texts = xcalloc(count + 1, sizeof(char *)),
    };
    for (size_t i = 0; i < count * columns; i++)
        s->fds[i] = -1;
    for (size_t i = 0; i < count; i++) {
        s->files[i].fd = -1;
        s->addrs[i] = runtime->listeners[i].addr;
        s->texts[i] = xstrdup(runtime->listeners[i].conf->address.text.p);
        if (map_put(&s->by_text, str_from(s->texts[i]), &s->texts[i]) < 0 &&
            errno != EEXIST)
            fatal("out of memory while opening sockets");
    }
}

/* The place of the listener with this address; -1: there is none. */
static ptrdiff_t
find_addr(const struct sockets *s, const struct addr *addr)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        if (addr_equal(&s->addrs[i], addr))
            return (ptrdiff_t)i;
    }
    return -1;
}

/* A backlog of another size holds from now on. */
static void
keep(struct sockets *s, size_t i, const struct sockets *before, size_t k,
     int backlog)
{
    s->kept[i] = true;
    s->files[i] = before->files[k];
    for (unsigned w = 0; w < s->columns; w++) {
        int fd = before->fds[k * s->columns + w];

        s->fds[i * s->columns + w] = fd;
        if (fd >= 0)
            (void)listen(fd, backlog);
    }
}

static void
keep_known(struct sockets *s, const struct sockets *before,
           const struct runtime *runtime)
{
    for (size_t i = 0; before != NULL && i < s->listener_count; i++) {
        ptrdiff_t k = find_addr(before, &s->addrs[i]);

        if (k >= 0)
            keep(s, i, before, (size_t)k, backlog_of(&runtime->listeners[i]));
    }
}

int
sockets_open(struct sockets *s, const struct sockets *before,
             const struct runtime *runtime, unsigned workers,
             struct inherit *inherit, struct faults *faults)
{
    size_t faults_before = faults->count;

    init(s, runtime, workers, count_columns(runtime, workers, before, inherit));
    keep_known(s, before, runtime);
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct listener *listener = &runtime->listeners[i];

        if (!s->kept[i] && !is_unix(&listener->addr) &&
            inherit_columns(inherit, &listener->addr) == 0 &&
            !activation_has(&listener->addr) && probe_tcp(&listener->addr) < 0)
            add_fault(faults, listener);
    }
    if (faults->count > faults_before)
        return -1;
    for (size_t i = 0; i < s->listener_count; i++) {
        if (!s->kept[i] &&
            open_listener(s, i, &runtime->listeners[i], inherit) < 0)
            add_fault(faults, &runtime->listeners[i]);
    }
    return faults->count > faults_before ? -1 : 0;
}

static int
open_stats(const struct listen_conf *conf, struct addresses *addresses,
           bool shared, struct faults *faults)
{
    int backlog = conf->backlog == 0 ? BACKLOG_LARGEST : (int)conf->backlog;
    struct addr addr;
    int fd;

    if (addresses_resolve(addresses, &addr, 1, &conf->address, conf->at,
                          faults) < 0)
        return -1;
    fd = !shared && probe_tcp(&addr) < 0 ? -1 : listen_tcp(&addr, backlog);
    if (fd < 0)
        faults_add_at(faults, conf->at, "cannot listen on " STR_FMT ": %s",
                      STR_ARG(conf->address.text),
                      errno == EADDRINUSE
                          ? "the address is in use by another program"
                          : strerror(errno));
    return fd;
}

int *
sockets_open_stats(const struct config *config, struct addresses *addresses,
                   bool shared, size_t *count, struct faults *faults)
{
    size_t n = 0;
    int *fds;

    for (size_t i = 0; i < config->stats_count; i++)
        n += config->stats[i].listen_count;
    fds = xcalloc(n + 1, sizeof(*fds));
    *count = 0;
    for (size_t i = 0; i < config->stats_count; i++) {
        const struct stats_conf *stats = &config->stats[i];

        for (size_t k = 0; k < stats->listen_count; k++)
            fds[(*count)++] =
                open_stats(&stats->listens[k], addresses, shared, faults);
    }
    return fds;
}

void
sockets_hide(struct sockets *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        socket_file_hide(&s->files[i]);
}

void
sockets_share_files(struct sockets *s, bool shared)
{
    for (size_t i = 0; i < s->listener_count; i++)
        socket_file_share(&s->files[i], shared);
}

static void
close_listener(struct sockets *s, size_t i)
{
    int *fds = &s->fds[i * s->columns];

    if (s->files[i].fd >= 0) {
        socket_file_close(&s->files[i]);
        return;
    }
    for (unsigned w = 0; w < s->columns; w++) {
        if (fds[w] >= 0)
            close(fds[w]);
    }
}

static void
free_tables(struct sockets *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        free(s->texts[i]);
    free(s->fds);
    free(s->files);
    free(s->addrs);
    free(s->kept);
    free(s->texts);
    map_fini(&s->by_text);
    *s = (struct sockets){.listener_count = 0};
}

void
sockets_close(struct sockets *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        close_listener(s, i);
    free_tables(s);
}

void
sockets_give_up(struct sockets *s)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        if (!s->kept[i])
            close_listener(s, i);
    }
    free_tables(s);
}

void
sockets_replace(struct sockets *s, struct sockets *next)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        if (find_addr(next, &s->addrs[i]) < 0)
            close_listener(s, i);
    }
    free_tables(s);
    *s = *next;
    *next = (struct sockets){.listener_count = 0};
}

unsigned
sockets_rounds(const struct sockets *s)
{
    return (s->columns + s->workers - 1) / s->workers;
}

static int
find(const struct sockets *s, size_t listener, unsigned worker, unsigned round)
{
    unsigned column = worker + round * s->workers;

    return column < s->columns ? s->fds[listener * s->columns + column] : -1;
}

void
sockets_of_worker(const struct sockets *s, unsigned worker, int *fds)
{
    unsigned rounds = sockets_rounds(s);

    for (size_t i = 0; i < s->listener_count; i++) {
        for (unsigned k = 0; k < rounds; k++)
            fds[i * rounds + k] = find(s, i, worker, k);
    }
}

int
sockets_find(const struct sockets *s, const char *text, unsigned worker,
             unsigned round)
{
    char **at = map_get(&s->by_text, str_from(text));

    return at == NULL ? -1 : find(s, (size_t)(at - s->texts), worker, round);
}
