/* SPDX-License-Identifier: MIT */
#include "proxy/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "board/board.h"
#include "config/faults.h"
#include "net/tls.h"
#include "proxy/addresses.h"
#include "proxy/engine.h"
#include "proxy/file_cache.h"
#include "proxy/http_section.h"
#include "proxy/listener.h"
#include "proxy/pool.h"
#include "proxy/rebalance.h"
#include "proxy/section.h"
#include "proxy/secure.h"
#include "proxy/upstream.h"

/* What making a runtime needs at every step. */
struct maker {
    struct runtime *runtime;
    struct addresses *addresses;
    struct faults *faults;
};

/* Of two with one KEY the first has it: names that stand twice are a fault of
 * the configuration itself. */
static void
note(struct map *map, struct str key, void *value)
{
    if (map_put(map, key, value) < 0 && errno != EEXIST)
        fatal("out of memory while making the configuration live");
}

/* --- upstreams ------------------------------------------------------------ */

/* A name without an address is a fault, unless it may get one while the program
 * runs. */
static void
look_up(struct maker *maker, const struct upstream_conf *upstream,
        const struct server_conf *server)
{
    struct addr ignored[ADDRESSES_MAX];
    const char *why = "";

    if (!maker->addresses->may_come_later || upstream->resolve_ms == 0) {
        (void)!addresses_resolve(maker->addresses, ignored, ADDRESSES_MAX,
                                 &server->address, server->at, maker->faults);
        return;
    }
    if (addresses_find(maker->addresses, ignored, ADDRESSES_MAX,
                       &server->address, &why) < 0)
        faults_warn_at(maker->faults, server->at,
                       "cannot resolve \"" STR_FMT "\": %s; the server is down "
                       "until its name resolves",
                       STR_ARG(server->address.text), why);
}

/* What the names mean stands on the board: a worker looks none up. */
static void
place_server(struct server *server)
{
    struct upstream *upstream = server->upstream;

    server->row = board_find_server(upstream->engine->board, upstream->row,
                                    server->conf->name);
    roster_place(&upstream->roster, server->index, server->row);
    upstream->queue.rows[server->index] = server->row;
    (void)upstream_read_addresses(server);
}

static void
init_server(struct maker *maker, struct upstream *upstream, unsigned index)
{
    struct server *server = &upstream->servers[index];
    struct server_view *view = &upstream->views[index];

    server->upstream = upstream;
    server->conf = &upstream->conf->servers[index];
    server->index = index;
    note(&upstream->names, server->conf->name, server);
    list_init(&server->idle);
    list_init(&server->flows);
    if (upstream->engine == NULL)
        look_up(maker, upstream->conf, server->conf);
    else
        place_server(server);
    server->tls = secure_server(server->conf, maker->faults);
    view->index = (int32_t)index + 1;
    view->name_len = (uint8_t)server->conf->name.len;
    memcpy(view->name, server->conf->name.p, server->conf->name.len);
}

static void
init_upstream(struct maker *maker, struct upstream *upstream,
              const struct upstream_conf *conf)
{
    struct engine *engine = maker->runtime->engine;

    upstream->engine = engine;
    upstream->conf = conf;
    upstream->policy = policy_hooks_hold(&policy_no_hooks);
    map_init(&upstream->names);
    upstream->server_count = (unsigned)conf->server_count;
    upstream->servers = xcalloc(conf->server_count, sizeof(struct server));
    upstream->views = xcalloc(conf->server_count, sizeof(struct server_view));
    if (engine != NULL)
        upstream->row = board_find_upstream(engine->board, conf->name);
    roster_init(&upstream->roster, engine == NULL ? NULL : engine->board,
                upstream->row, upstream->views, upstream->server_count);
    wait_queue_init(&upstream->queue, engine, upstream->row,
                    upstream->server_count);
    for (unsigned i = 0; i < upstream->server_count; i++)
        init_server(maker, upstream, i);
    if (engine != NULL && conf->rebalance > 0)
        upstream->rebalance = rebalance_new(upstream);
    note(&maker->runtime->upstream_names, conf->name, upstream);
}

static void
fini_upstream(struct upstream *upstream)
{
    if (upstream->engine != NULL)
        pool_drop_idle(upstream);
    for (unsigned i = 0; i < upstream->server_count; i++)
        tls_client_unref(upstream->servers[i].tls);
    rebalance_free(upstream->rebalance);
    wait_queue_fini(&upstream->queue);
    roster_fini(&upstream->roster);
    map_fini(&upstream->names);
    free(upstream->servers);
    free(upstream->views);
}

static struct upstream *
find_upstream(void *arg, const struct upstream_conf *conf)
{
    struct runtime *runtime = arg;

    return &runtime->upstreams[conf->index];
}

struct upstream *
runtime_find_upstream(const struct runtime *runtime, struct str name)
{
    return map_get(&runtime->upstream_names, name);
}

/* --- sections ------------------------------------------------------------- */

static struct section *
new_http_section(struct maker *maker, const struct section_conf *conf)
{
    struct runtime *runtime = maker->runtime;
    struct http_section *http = xcalloc(1, sizeof(*http));

    /* A path that is routed twice is a fault of the configuration itself. */
    if (http_section_init(http, conf, find_upstream, runtime) < 0 &&
        errno != EEXIST)
        faults_add_at(maker->faults, conf->at, "cannot prepare the section: %s",
                      strerror(errno));
    http->files = runtime->files;
    return &http->section;
}

static struct section *
new_section(struct maker *maker, const struct section_conf *conf)
{
    struct runtime *runtime = maker->runtime;
    struct section *section;

    if (conf->kind == SECTION_HTTP)
        section = new_http_section(maker, conf);
    else
        section = xcalloc(1, sizeof(*section));
    section->runtime = runtime;
    section->conf = conf;
    section->hooks = section_hooks_hold(&section_no_hooks);
    if (conf->upstream != NULL)
        section->upstream = &runtime->upstreams[conf->upstream->index];
    if (runtime->engine != NULL) {
        char name[SECTION_ROW_NAME];

        section->row = board_find_section(runtime->engine->board,
                                          section_row_name(name, conf));
    }
    return section;
}

static void
free_section(struct section *section)
{
    if (section->conf->kind == SECTION_HTTP)
        http_section_fini(http_section_of(section));
    free(section);
}

/* --- listeners ------------------------------------------------------------ */

/* Listeners by their addresses as addr_format writes them, which is the same
 * for the same address. */
struct listeners {
    struct map by_text;
    char (*texts)[ADDR_TEXT_MAX]; /* of each of the runtime's */
};

/* Is the address written the same way by one of LISTENER's sections? */
static bool
has_text(const struct listener *listener, struct str text)
{
    for (size_t i = 0; i < listener->section_count; i++) {
        const struct section_conf *conf = listener->sections[i]->conf;

        for (size_t k = 0; k < conf->listen_count; k++) {
            if (str_equal(conf->listens[k].address.text, text))
                return true;
        }
    }
    return false;
}

static void
check_header(const struct listener *listener, const struct listen_conf *conf,
             struct faults *faults)
{
    const struct listen_conf *first = listener->conf;

    if (first->accept_proxy != conf->accept_proxy)
        faults_add_at(faults, conf->at,
                      "\"" STR_FMT "\" is \"" STR_FMT
                      "\", which %s accept_proxy: at one address all "
                      "connections begin with a PROXY header, or none",
                      STR_ARG(conf->address.text), STR_ARG(first->address.text),
                      first->accept_proxy ? "has" : "is without");
}

/* Only looking up shows that two texts are one address; the same text twice is
 * a fault of the configuration itself. */
static void
check_sharing(const struct listener *listener, const struct section *section,
              const struct listen_conf *conf, struct faults *faults)
{
    const struct section_conf *first = listener->fallback->conf;

    if (has_text(listener, conf->address.text))
        return;
    if (first->kind == SECTION_HTTP && section->conf->kind == SECTION_HTTP) {
        check_header(listener, conf, faults);
        return;
    }
    faults_add_at(faults, conf->at,
                  "\"" STR_FMT "\" is taken by [%s " STR_FMT
                  "]; only http sections can share an address",
                  STR_ARG(conf->address.text), section_kind_name(first->kind),
                  STR_ARG(first->name));
}

static void
add_listen(struct maker *maker, struct listeners *listeners,
           struct section *section, const struct listen_conf *conf)
{
    struct runtime *runtime = maker->runtime;
    struct listener *listener;
    struct addr addr;
    char *text = listeners->texts[runtime->listener_count];

    if (addresses_resolve(maker->addresses, &addr, 1, &conf->address, conf->at,
                          maker->faults) < 0)
        return;
    addr_format(&addr, text, ADDR_TEXT_MAX);
    listener = map_get(&listeners->by_text, str_from(text));
    if (listener == NULL) {
        listener = &runtime->listeners[runtime->listener_count++];
        listener_init(listener, runtime, conf, &addr);
        listener->tls = secure_listen(conf, maker->faults);
        note(&listeners->by_text, str_from(text), listener);
    } else {
        check_sharing(listener, section, conf, maker->faults);
    }
    if (listener_add(listener, section, conf->default_server) < 0)
        faults_add_at(maker->faults, conf->at,
                      "cannot prepare the listener: %s", strerror(errno));
}

static void
add_listens(struct maker *maker)
{
    struct runtime *runtime = maker->runtime;
    struct listeners listeners;
    size_t most = 0;

    for (size_t i = 0; i < runtime->section_count; i++)
        most += runtime->sections[i]->conf->listen_count;
    runtime->listeners = xcalloc(most, sizeof(struct listener));
    map_init(&listeners.by_text);
    listeners.texts = xcalloc(most, sizeof(*listeners.texts));
    for (size_t i = 0; i < runtime->section_count; i++) {
        struct section *section = runtime->sections[i];

        for (size_t k = 0; k < section->conf->listen_count; k++)
            add_listen(maker, &listeners, section, &section->conf->listens[k]);
    }
    map_fini(&listeners.by_text);
    free(listeners.texts);
}

/* --- the whole ------------------------------------------------------------ */

struct runtime *
runtime_new(struct engine *engine, const struct config *conf,
            struct addresses *addresses, struct faults *faults)
{
    struct runtime *runtime = xcalloc(1, sizeof(*runtime));
    struct maker maker = {runtime, addresses, faults};

    runtime->refs = 1;
    runtime->conf = config_ref(conf);
    runtime->engine = engine;
    runtime->files = file_cache_new();
    map_init(&runtime->upstream_names);
    runtime->upstream_count = conf->upstream_count;
    runtime->upstreams = xcalloc(conf->upstream_count, sizeof(struct upstream));
    for (size_t i = 0; i < conf->upstream_count; i++)
        init_upstream(&maker, &runtime->upstreams[i], &conf->upstreams[i]);
    runtime->section_count = conf->section_count;
    runtime->sections = xcalloc(conf->section_count, sizeof(struct section *));
    for (size_t i = 0; i < conf->section_count; i++)
        runtime->sections[i] = new_section(&maker, &conf->sections[i]);
    add_listens(&maker);
    return runtime;
}

struct runtime *
runtime_ref(struct runtime *runtime)
{
    runtime->refs++;
    return runtime;
}

void
runtime_unref(struct runtime *runtime)
{
    if (runtime == NULL || --runtime->refs > 0)
        return;
    for (size_t i = 0; i < runtime->listener_count; i++)
        listener_fini(&runtime->listeners[i]);
    for (size_t i = 0; i < runtime->section_count; i++)
        free_section(runtime->sections[i]);
    for (size_t i = 0; i < runtime->upstream_count; i++)
        fini_upstream(&runtime->upstreams[i]);
    free(runtime->listeners);
    free(runtime->sections);
    map_fini(&runtime->upstream_names);
    free(runtime->upstreams);
    file_cache_free(runtime->files);
    config_unref(runtime->conf);
    free(runtime);
}

const struct addr *
runtime_listener_addr(const struct runtime *runtime, size_t i)
{
    return &runtime->listeners[i].addr;
}

const char *
runtime_listener_text(const struct runtime *runtime, size_t i)
{
    return runtime->listeners[i].conf->address.text.p;
}

struct section_counters *
runtime_section_counters(const struct section *section)
{
    const struct engine *engine = section->runtime->engine;

    return board_section_counters(engine->board, engine->worker, section->row);
}

struct listener *
runtime_find_listener(const struct runtime *runtime, const struct addr *addr)
{
    for (size_t i = 0; i < runtime->listener_count; i++) {
        if (addr_equal(&runtime->listeners[i].addr, addr))
            return &runtime->listeners[i];
    }
    return NULL;
}

void
runtime_retire(struct runtime *runtime)
{
    for (size_t i = 0; i < runtime->upstream_count; i++) {
        runtime->upstreams[i].retired = true;
        pool_drop_idle(&runtime->upstreams[i]);
    }
}
