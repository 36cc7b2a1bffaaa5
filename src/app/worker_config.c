/* SPDX-License-Identifier: MIT */
#include "app/worker_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/config_record.h"
#include "app/log_output.h"
#include "app/message.h"
#include "app/sockets.h"
#include "base/log.h"
#include "board/board.h"
#include "config/faults.h"
#include "net/loop.h"
#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "proxy/serve.h"
#include "proxy/transition.h"
#include "script/scripts.h"
#include "script/takeover.h"

enum {
    LOOK_MS = 1000, /* how often old configurations are looked at */
};

/* --- one configuration ---------------------------------------------------- */

static struct served *
new_served(void)
{
    struct served *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    list_init(&s->link);
    addresses_init(&s->addresses);
    bundles_init(&s->bundles);
    return s;
}

static void
free_served(struct served *s)
{
    if (s == NULL)
        return;
    list_remove(&s->link);
    service_fini(&s->service);
    bundles_fini(&s->bundles);
    addresses_fini(&s->addresses);
    config_unref(s->config);
    free(s->listeners);
    free(s);
}

/* Its own reference is the last one. */
static bool
is_unused(const struct served *s)
{
    return s->service.runtime->refs == 1;
}

/* --- the sockets ---------------------------------------------------------- */

static int
find_arrived(const struct worker_config *w, const char *text)
{
    for (size_t i = w->arrived_count; i > 0; i--) {
        if (strcmp(w->arrived[i - 1].text, text) == 0)
            return w->arrived[i - 1].fd;
    }
    return -1;
}

static int
find_served(const struct served *s, const char *text)
{
    const struct runtime *runtime = s->service.runtime;

    for (size_t i = 0; i < runtime->listener_count; i++) {
        if (strcmp(runtime_listener_text(runtime, i), text) == 0)
            return s->listeners[i];
    }
    return -1;
}

/* By their texts, since a name may mean another address than when the master
 * opened them. -1 without memory, or where one is not to be had. */
static int
find_listeners(struct worker_config *w, struct served *s, struct buf *why)
{
    const struct runtime *runtime = s->service.runtime;

    s->listeners = calloc(runtime->listener_count + 1, sizeof(int));
    if (s->listeners == NULL) {
        buf_str(why, STR("there is no memory for it\n"));
        return -1;
    }
    for (size_t i = 0; i < runtime->listener_count; i++) {
        const char *text = runtime_listener_text(runtime, i);
        int fd = find_arrived(w, text);

        s->listeners[i] = fd >= 0 ? fd : find_served(w->now, text);
        if (s->listeners[i] < 0) {
            buf_printf(why, "nobody listens on %s\n", text);
            return -1;
        }
    }
    return 0;
}

/* Whether the one that serves now has the socket, too. */
static bool
is_kept(const struct served *now, int fd)
{
    for (size_t i = 0; i < now->service.runtime->listener_count; i++) {
        if (now->listeners[i] == fd)
            return true;
    }
    return false;
}

static bool
is_unix(const struct runtime *runtime, size_t i)
{
    return runtime_listener_addr(runtime, i)->sa.sa_family == AF_UNIX;
}

/* Nobody listens there any more: who has come since is refused. */
static void
close_listeners(const struct served *old, const struct served *now)
{
    const struct runtime *runtime = old->service.runtime;

    for (size_t i = 0; i < runtime->listener_count; i++) {
        int fd = old->listeners[i];

        if (fd < 0 || is_kept(now, fd))
            continue;
        if (!is_unix(runtime, i))
            shutdown(fd, SHUT_RD);
        close(fd);
    }
}

/* --- what has come -------------------------------------------------------- */

static void
forget_record(struct worker_config *w)
{
    if (w->record >= 0)
        close(w->record);
    w->record = -1;
}

/* USED: the configuration that has some of the sockets; or NULL. */
static void
forget_arrived(struct worker_config *w, const struct served *used)
{
    for (size_t i = 0; i < w->arrived_count; i++) {
        if (used == NULL || !is_kept(used, w->arrived[i].fd))
            close(w->arrived[i].fd);
        free(w->arrived[i].text);
    }
    free(w->arrived);
    w->arrived = NULL;
    w->arrived_count = 0;
}

static int
add_socket(struct worker_config *w, const struct message *m)
{
    size_t size = (w->arrived_count + 1) * sizeof(*w->arrived);
    struct arrived_socket *arrived = realloc(w->arrived, size);
    char *text;

    if (arrived == NULL)
        return -1;
    w->arrived = arrived;
    text = strndup(m->text.p, m->text.len);
    if (text == NULL)
        return -1;
    arrived[w->arrived_count++] =
        (struct arrived_socket){.text = text, .fd = m->fd};
    return 0;
}

static void
drop(void *arg)
{
    struct worker_config *w = arg;

    free_served(w->staged);
    w->staged = NULL;
    forget_record(w);
    forget_arrived(w, NULL);
}

void
worker_config_message(struct worker_config *w, const struct message *m)
{
    if (m->kind == MESSAGE_CONFIG) {
        drop(w); /* the end of an older attempt may have been lost */
        w->record = m->fd;
    } else if (add_socket(w, m) < 0) {
        close(m->fd); /* its absence is noticed when it is staged */
    }
}

/* --- staging -------------------------------------------------------------- */

static int
make_service(struct worker_config *w, struct served *s, struct faults *faults)
{
    s->service.runtime =
        runtime_new(w->engine, s->config, &s->addresses, faults);
    if (faults->count > 0)
        return -1;
    s->service.scripts =
        setup_load_beside(s->service.runtime, &s->bundles,
                          w->now->service.scripts, false, faults);
    return s->service.scripts == NULL ? -1 : 0;
}

static int
fill(struct worker_config *w, struct served *s, int bundles, struct buf *why)
{
    struct faults faults;
    int result = -1;

    if (bundles_read(&s->bundles, bundles) < 0) {
        buf_printf(why, "it cannot be read: %s\n", strerror(errno));
        return -1;
    }
    faults_init(&faults);
    if (config_record_read(&s->config, &s->addresses, w->record, &faults) == 0)
        result = make_service(w, s, &faults);
    setup_write_faults(&faults, why);
    faults_fini(&faults);
    return result == 0 ? find_listeners(w, s, why) : -1;
}

static bool
is_pending(void *arg)
{
    const struct worker_config *w = arg;

    return w->record >= 0;
}

static int
stage(void *arg, int bundles, struct buf *why)
{
    struct worker_config *w = arg;

    w->staged = new_served();
    if (w->staged == NULL) {
        buf_str(why, STR("there is no memory for it\n"));
        return -1;
    }
    if (fill(w, w->staged, bundles, why) == 0)
        return 0;
    free_served(w->staged);
    w->staged = NULL;
    return -1;
}

/* --- taking over ---------------------------------------------------------- */

static uint32_t
oldest_generation(const struct worker_config *w)
{
    uint32_t oldest = w->now->generation;

    list_for_each(node, &w->before) oldest =
        container_of(node, struct served, link)->generation;
    return oldest;
}

/* Older ones that nobody uses are freed. */
static void
free_unused(struct worker_config *w)
{
    list_for_each_safe(node, &w->before)
    {
        struct served *s = container_of(node, struct served, link);

        if (is_unused(s))
            free_served(s);
    }
    atomic_store(&w->row->generation, oldest_generation(w));
}

static void
on_look(struct timer *timer)
{
    struct worker_config *w = container_of(timer, struct worker_config, look);

    free_unused(w);
    if (!list_empty(&w->before))
        loop_start_timer(w->engine->loop, timer, LOOK_MS);
}

/* Sockets that a worker of an older program had, of which there were more. */
static int
serve_others(struct worker_config *w, const struct served *s)
{
    struct runtime *runtime = s->service.runtime;

    for (size_t i = 0; i < runtime->listener_count; i++) {
        const char *text = runtime_listener_text(runtime, i);

        for (unsigned k = 1; k < sockets_rounds(w->sockets); k++) {
            int fd = sockets_find(w->sockets, text, w->place, k);

            if (fd >= 0 && serve_more(runtime, i, fd) < 0)
                return -1;
        }
    }
    return 0;
}

static int
serve_all(struct worker_config *w, const struct served *s)
{
    return serve_start(s->service.runtime, s->listeners) < 0
               ? -1
               : serve_others(w, s);
}

/* Sockets that stay are watched anew, which tells at once who waits there. */
static void
take_sockets(struct worker_config *w, struct served *old, struct served *now)
{
    serve_yield(old->service.runtime);
    if (!w->engine->draining && serve_all(w, now) < 0)
        log_error("cannot accept at all addresses: %s", strerror(errno));
    close_listeners(old, now);
    free(old->listeners);
    old->listeners = NULL;
}

static struct scripts *
commit(void *arg, uint32_t generation)
{
    struct worker_config *w = arg;
    struct served *old = w->now;
    struct served *now = w->staged;

    worker_config_look(w); /* who waits for what is gone is to hear of it */
    w->staged = NULL;
    w->now = now;
    now->generation = generation;
    w->engine->runtime = now->service.runtime;
    log_set_level(log_output_level(now->config));
    take_sockets(w, old, now);
    scripts_take_over(now->service.scripts, old->service.scripts);
    scripts_use_resolver(now->service.scripts, w->resolver);
    runtime_retire(old->service.runtime);
    list_add_head(&w->before, &old->link);
    transition_init(now->service.runtime);
    forget_record(w);
    forget_arrived(w, now);
    free_unused(w);
    loop_start_timer(w->engine->loop, &w->look, LOOK_MS);
    return now->service.scripts;
}

/* --- the one that it begins with ------------------------------------------ */

static void
find_inherited(struct served *s, const struct sockets *sockets, unsigned place)
{
    const struct runtime *runtime = s->service.runtime;

    s->listeners = xcalloc(runtime->listener_count + 1, sizeof(int));
    for (size_t i = 0; i < runtime->listener_count; i++) {
        const char *text = runtime_listener_text(runtime, i);

        s->listeners[i] = sockets_find(sockets, text, place, 0);
        if (s->listeners[i] < 0)
            log_warn("nobody listens on %s: its name has changed", text);
    }
}

void
worker_config_init(struct worker_config *w, struct engine *engine,
                   struct resolver *resolver, const struct config *config,
                   struct addresses *addresses, struct bundles *bundles,
                   const struct sockets *sockets, unsigned place,
                   uint32_t generation)
{
    struct faults faults;

    *w = (struct worker_config){
        .engine = engine,
        .row = &engine->board->workers[engine->worker],
        .resolver = resolver,
        .now = new_served(),
        .record = -1,
        .sockets = sockets,
        .place = place,
        .stage = {w, is_pending, stage, commit, drop},
    };
    list_init(&w->before);
    timer_init(&w->look, on_look);
    faults_init(&faults);
    if (w->now == NULL)
        fatal("out of memory");
    if (service_init(&w->now->service, engine, config, addresses, bundles,
                     &faults) < 0) {
        setup_log_faults(&faults);
        fatal("cannot serve the configuration");
    }
    faults_fini(&faults);
    w->now->config = config_ref(config);
    w->now->generation = generation;
    engine->runtime = w->now->service.runtime;
    scripts_use_resolver(w->now->service.scripts, resolver);
    find_inherited(w->now, sockets, place);
    free_unused(w);
}

void
worker_config_fini(struct worker_config *w)
{
    timer_stop(&w->look);
    drop(w);
    list_for_each_safe(node, &w->before)
    {
        free_served(container_of(node, struct served, link));
    }
    free_served(w->now);
}

int
worker_config_serve(struct worker_config *w)
{
    transition_init(w->now->service.runtime);
    return serve_all(w, w->now);
}

void
worker_config_look(struct worker_config *w)
{
    uint64_t states = transition_begin(w->engine);

    transition_look(w->now->service.runtime, states);
    list_for_each(node, &w->before) transition_look(
        container_of(node, struct served, link)->service.runtime, states);
    transition_end(w->engine, states);
}

void
worker_config_leave(struct worker_config *w)
{
    serve_leave(w->now->service.runtime);
}

void
worker_config_pause(struct worker_config *w)
{
    serve_pause(w->now->service.runtime);
}

/* The master holds the sockets, too, so closing them here would leave clients
 * in a backlog that nobody serves: shutting them down refuses them. A Unix
 * socket is shared by all workers, and the master has removed its file. */
void
worker_config_refuse(struct worker_config *w)
{
    const struct runtime *runtime = w->now->service.runtime;

    serve_pause(w->now->service.runtime);
    for (size_t i = 0; i < runtime->listener_count; i++) {
        if (!is_unix(runtime, i))
            shutdown(w->now->listeners[i], SHUT_RD);
    }
}
