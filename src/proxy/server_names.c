/* SPDX-License-Identifier: MIT */
#include "proxy/server_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "board/board.h"
#include "board/state.h"
#include "board/wake.h"

enum {
    LIST_TEXT_MAX = 512,    /* holds BOARD_ADDRS_MAX hosts */
    RETRY_AT_ONCE_MS = 100, /* after a lookup that took longer than `resolve` */
};

struct named_server {
    struct list link; /* in its name's */
    const struct upstream_conf *upstream;
    const struct server_conf *conf;
    int row;
};

struct server_name {
    struct list link; /* in all->names */
    struct server_names *all;
    struct str host;
    struct list servers; /* that have it */
    uint32_t interval_ms;
    struct timer timer; /* to the next lookup */
    struct lookup lookup;
    uint64_t asked_ms;
    bool failing; /* it did not resolve the last time, which has been said */
};

bool
server_names_is_name(const struct address_conf *conf)
{
    struct addr addr;

    return !conf->is_unix && addr_parse_host(&addr, conf->host.p, 0) < 0;
}

/* --- an answer ------------------------------------------------------------ */

/* "10.0.0.1 10.0.0.2", in TEXT of LIST_TEXT_MAX. */
static const char *
format_hosts(const struct addr *addrs, int count, char *text)
{
    char host[ADDR_TEXT_MAX];
    struct buf b;

    buf_init(&b, text, LIST_TEXT_MAX - 1);
    for (int i = 0; i < count; i++)
        buf_printf(&b, "%s%s", i == 0 ? "" : " ",
                   addr_format_host(&addrs[i], host, sizeof(host)));
    text[b.len] = '\0';
    return text;
}

/* Where nothing else decides whether a server is up, its name does; whether
 * that is a change. Whatever took it down otherwise is not undone here. */
static bool
settle(const struct server_names *all, const struct named_server *server,
       bool known)
{
    const struct upstream_conf *upstream = server->upstream;
    bool up = atomic_load(&all->board->servers[server->row].up);
    char words[BOARD_WORDS_MAX + 1];

    if (upstream->check.kind != CHECK_OFF && !server->conf->unchecked)
        return false;
    board_reason(all->board, server->row, words);
    if (known == up || (known && strcmp(words, SERVER_NAMES_UNKNOWN) != 0))
        return false;
    board_set_up(all->board, server->row, known,
                 known ? STR("") : STR(SERVER_NAMES_UNKNOWN));
    return true;
}

static void
tell_change(const struct server_name *name, const struct named_server *server,
            const char *now, const char *before)
{
    log_info("server " STR_FMT "/" STR_FMT ": " STR_FMT " is %s now%s%s",
             STR_ARG(server->upstream->name), STR_ARG(server->conf->name),
             STR_ARG(name->host), now, before[0] == '\0' ? "" : ", was ",
             before);
}

static void
tell_recovery(const struct server_name *name, const struct named_server *server)
{
    log_info("server " STR_FMT "/" STR_FMT ": " STR_FMT " resolves again",
             STR_ARG(server->upstream->name), STR_ARG(server->conf->name),
             STR_ARG(name->host));
}

/* Whether workers have to hear of it. */
static bool
give_addresses(const struct server_name *name,
               const struct named_server *server, const struct addr *addrs,
               unsigned count)
{
    struct board *board = name->all->board;
    struct addr next[BOARD_ADDRS_MAX];
    struct addr old[BOARD_ADDRS_MAX];
    int old_count = board_read_addresses(old, board, server->row);
    char now[LIST_TEXT_MAX];
    char before[LIST_TEXT_MAX];

    for (unsigned i = 0; i < count; i++) {
        next[i] = addrs[i];
        addr_set_port(&next[i], server->conf->address.port);
    }
    if (name->failing && old_count > 0)
        tell_recovery(name, server);
    if (!board_set_addresses(board, server->row, next, count))
        return false;
    tell_change(name, server, format_hosts(next, (int)count, now),
                format_hosts(old, old_count, before));
    return true;
}

static void
resolved(struct server_name *name, const struct addr *addrs, unsigned count)
{
    struct server_names *all = name->all;
    bool changed = false;

    list_for_each(node, &name->servers)
    {
        struct named_server *server =
            container_of(node, struct named_server, link);

        if (give_addresses(name, server, addrs, count))
            changed = true;
        if (settle(all, server, true))
            changed = true;
    }
    name->failing = false;
    if (changed)
        wake_workers(all->board);
}

static void
tell_failure(const struct server_name *name, const struct named_server *server,
             const struct addr *addrs, int count, const char *why)
{
    char kept[LIST_TEXT_MAX];

    log_warn("server " STR_FMT "/" STR_FMT ": " STR_FMT
             " does not resolve: %s; %s%s",
             STR_ARG(server->upstream->name), STR_ARG(server->conf->name),
             STR_ARG(name->host), why,
             count > 0 ? "keeping " : "it is down until it does",
             format_hosts(addrs, count, kept));
}

static void
failed(struct server_name *name, const char *why)
{
    bool changed = false;

    list_for_each(node, &name->servers)
    {
        struct named_server *server =
            container_of(node, struct named_server, link);
        struct addr addrs[BOARD_ADDRS_MAX];
        int count = board_read_addresses(addrs, name->all->board, server->row);

        if (!name->failing)
            tell_failure(name, server, addrs, count, why);
        if (count >= 0 && settle(name->all, server, count > 0))
            changed = true;
    }
    name->failing = true;
    if (changed)
        wake_workers(name->all->board);
}

/* --- the rounds ----------------------------------------------------------- */

static void
ask_later(struct server_name *name)
{
    uint64_t delay_ms = name->interval_ms;
    uint64_t taken_ms = clock_ms() - name->asked_ms;

    if (name->failing && delay_ms > SERVER_NAMES_RETRY_MS)
        delay_ms = SERVER_NAMES_RETRY_MS;
    delay_ms = taken_ms + RETRY_AT_ONCE_MS < delay_ms ? delay_ms - taken_ms
                                                      : RETRY_AT_ONCE_MS;
    loop_start_timer(name->all->loop, &name->timer, delay_ms);
}

static void
on_answer(struct lookup *lookup, const struct addr *addrs, unsigned count,
          const char *why)
{
    struct server_name *name = container_of(lookup, struct server_name, lookup);

    if (count > 0)
        resolved(name, addrs, count);
    else
        failed(name, why);
    ask_later(name);
}

static void
on_timer(struct timer *timer)
{
    struct server_name *name = container_of(timer, struct server_name, timer);

    name->asked_ms = clock_ms();
    if (lookup_start(&name->lookup, &name->all->resolver, name->host.p, 0) == 0)
        return;
    failed(name, strerror(errno));
    ask_later(name);
}

/* --- the names ------------------------------------------------------------ */

static struct server_name *
add_name(struct server_names *all, struct map *by_host, struct str host)
{
    struct server_name *name = calloc(1, sizeof(*name));

    if (name == NULL)
        return NULL;
    if (map_put(by_host, host, name) < 0) {
        free(name);
        return NULL;
    }
    name->all = all;
    name->host = host;
    name->interval_ms = UINT32_MAX;
    list_init(&name->servers);
    timer_init(&name->timer, on_timer);
    lookup_init(&name->lookup, on_answer);
    list_init(&name->link);
    list_add_tail(&all->names, &name->link);
    return name;
}

/* The shortest interval of all that have a name is the name's. That one which
 * has no address fails is known: the master has said so. */
static int
add_server(struct server_names *all, struct map *by_host,
           const struct upstream_conf *upstream, const struct server_conf *conf)
{
    struct server_name *name = map_get(by_host, conf->address.host);
    struct named_server *server;
    struct addr ignored[BOARD_ADDRS_MAX];

    if (name == NULL)
        name = add_name(all, by_host, conf->address.host);
    server = calloc(1, sizeof(*server));
    if (name == NULL || server == NULL) {
        free(server);
        errno = ENOMEM;
        return -1;
    }
    server->upstream = upstream;
    server->conf = conf;
    server->row = board_find_server(
        all->board, board_find_upstream(all->board, upstream->name),
        conf->name);
    list_init(&server->link);
    list_add_tail(&name->servers, &server->link);
    if (upstream->resolve_ms < name->interval_ms)
        name->interval_ms = upstream->resolve_ms;
    if (board_read_addresses(ignored, all->board, server->row) == 0)
        name->failing = true;
    return 0;
}

static int
add_servers(struct server_names *all, const struct config *conf)
{
    struct map by_host;
    int result = 0;

    map_init(&by_host);
    for (size_t i = 0; i < conf->upstream_count && result == 0; i++) {
        const struct upstream_conf *upstream = &conf->upstreams[i];

        for (size_t k = 0; k < upstream->server_count && result == 0; k++) {
            const struct server_conf *server = &upstream->servers[k];

            if (upstream->resolve_ms > 0 &&
                server_names_is_name(&server->address))
                result = add_server(all, &by_host, upstream, server);
        }
    }
    map_fini(&by_host);
    return result;
}

/* What is not known is asked for at once, the rest evenly over its time. */
static void
start_timers(struct server_names *all)
{
    uint64_t count = 0;
    uint64_t i = 0;

    list_for_each(node, &all->names)
    {
        count++;
    }
    list_for_each(node, &all->names)
    {
        struct server_name *name = container_of(node, struct server_name, link);
        uint64_t delay_ms = ++i * name->interval_ms / count;

        loop_start_timer(all->loop, &name->timer, name->failing ? 0 : delay_ms);
    }
}

int
server_names_start(struct server_names *all, struct loop *loop,
                   struct board *board, const struct config *conf)
{
    all->loop = loop;
    all->board = board;
    resolver_init(&all->resolver, loop);
    list_init(&all->names);
    if (add_servers(all, conf) < 0)
        return -1;
    start_timers(all);
    return 0;
}

static void
free_name(struct server_name *name)
{
    timer_stop(&name->timer);
    lookup_stop(&name->lookup);
    list_for_each_safe(node, &name->servers)
    {
        free(container_of(node, struct named_server, link));
    }
    list_remove(&name->link);
    free(name);
}

static void
free_names(struct server_names *all)
{
    list_for_each_safe(node, &all->names)
    {
        free_name(container_of(node, struct server_name, link));
    }
}

int
server_names_take(struct server_names *all, const struct config *conf)
{
    free_names(all);
    if (add_servers(all, conf) < 0)
        return -1;
    start_timers(all);
    return 0;
}

void
server_names_stop(struct server_names *all)
{
    free_names(all);
    resolver_fini(&all->resolver);
}
