/* SPDX-License-Identifier: MIT */
/*
 *     master ── STOP ───▶ end every session, leave
 *            ── DRAIN ──▶ accept no more, leave when the last has ended
 *            ── UPGRADE_LEAVE ──▶ the same, unnoticed: another program accepts
 *            ── UPGRADE_BEGIN ──▶ accept, where it was to wait for that
 *            ── gone ───▶ as STOP
 *            ── SCRIPT_STAGE ... ──▶ exchange scripts (script_stage.h)
 */
#include "app/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/log_ring.h"
#include "app/message.h"
#include "app/script_stage.h"
#include "app/worker_config.h"
#include "base/confine.h"
#include "base/log.h"
#include "board/board.h"
#include "net/buffer.h"
#include "net/conduit.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "proxy/engine.h"
#include "proxy/http_exchange.h"
#include "proxy/http_idle.h"
#include "proxy/http_stats.h"
#include "proxy/inventory.h"
#include "proxy/wait_queue.h"
#include "script/guard.h"
#include "script/scripts.h"

enum {
    BEAT_MS = 1000,     /* how often the board hears that the loop turns */
    DRAIN_LOOK_MS = 16, /* how often a draining worker counts its sessions */
};

_Static_assert((int)HTTP_STATS_TEXT_MAX <= (int)MESSAGE_TEXT_MAX,
               "a request has to fit into a message");

struct worker {
    const struct worker_conf *conf;
    struct engine engine;
    struct buffer_pool buffers;
    struct conduit_pool conduits;
    struct log_ring log;
    struct resolver resolver; /* of the names that scripts connect to */
    struct worker_config config;
    struct script_stage stage;
    bool serves; /* it accepts, or has */
    struct watch master;
    struct watch signals;
    struct watch wake;
    struct timer beat;
    struct timer drain;
};

/* Ends all sessions; they are freed before the loop returns. */
static void
stop(struct worker *w, const char *reason)
{
    worker_config_pause(&w->config);
    engine_kill(&w->engine, reason);
    loop_stop(w->engine.loop);
}

static void
leave_when_idle(struct timer *timer)
{
    struct worker *w = container_of(timer, struct worker, drain);

    if (w->engine.session_count == 0)
        loop_stop(w->engine.loop);
    else
        loop_start_timer(w->engine.loop, timer, DRAIN_LOOK_MS);
}

static void
drain(struct worker *w)
{
    if (w->engine.draining)
        return;
    worker_config_refuse(&w->config);
    engine_drain(&w->engine);
    leave_when_idle(&w->drain);
}

/* Other processes have the sockets, too, and serve whoever comes from now on.
 */
static void
leave(struct worker *w)
{
    if (w->engine.draining)
        return;
    worker_config_leave(&w->config);
    engine_leave(&w->engine);
    leave_when_idle(&w->drain);
}

static void
serve(struct worker *w)
{
    w->serves = true;
    if (worker_config_serve(&w->config) < 0)
        fatal("cannot start to serve: %s", strerror(errno));
}

static void
on_master(struct watch *watch)
{
    struct worker *w = container_of(watch, struct worker, master);
    struct message m;

    switch (message_receive(&m, watch_fd(watch))) {
    case MESSAGE_NONE:
        return;
    case MESSAGE_CLOSED:
        stop(w, "the master is gone");
        return;
    case MESSAGE_GOT:
        break;
    }
    if (m.kind == MESSAGE_STOP)
        stop(w, "the program is stopping");
    else if (m.kind == MESSAGE_DRAIN)
        drain(w);
    else if (m.kind == MESSAGE_CONFIG || m.kind == MESSAGE_LISTENER)
        worker_config_message(&w->config, &m);
    else if (m.kind == MESSAGE_UPGRADE_LEAVE)
        leave(w);
    else if (m.kind == MESSAGE_UPGRADE_BEGIN && !w->serves)
        serve(w);
    else if (m.kind != MESSAGE_UPGRADE_BEGIN)
        script_stage_message(&w->stage, &m);
}

static void
on_signal(struct watch *watch)
{
    struct worker *w = container_of(watch, struct worker, signals);
    struct signalfd_siginfo info;

    if (read(watch_fd(watch), &info, sizeof(info)) == sizeof(info))
        stop(w, "the worker was told to end");
}

/* Control or another worker has something for this one (board.h). */
static void
on_wake(struct watch *watch)
{
    struct worker *w = container_of(watch, struct worker, wake);
    uint64_t count;

    if (read(watch_fd(watch), &count, sizeof(count)) == sizeof(count))
        worker_config_look(&w->config);
}

static void
on_beat(struct timer *timer)
{
    struct worker *w = container_of(timer, struct worker, beat);

    board_beat(w->conf->board, w->conf->number);
    board_set_heap(w->conf->board, w->conf->number, guard_used());
    inventory_publish(w->config.now->service.runtime);
    loop_start_timer(w->engine.loop, timer, BEAT_MS);
}

/* TERM to a single worker; the master's own signals do not come here. */
static int
open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    signal(SIGTERM, SIG_DFL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int
ask_stats(void *arg, int fd, struct str text)
{
    const struct worker *w = arg;
    const struct message m = {
        .kind = MESSAGE_STATS_CLIENT,
        .fd = fd,
        .text = text,
    };

    return message_send(w->conf->stats_link, &m);
}

static void
init_engine(struct worker *w)
{
    const struct worker_conf *conf = w->conf;

    buffer_pool_init(&w->buffers);
    engine_init(&w->engine, loop_new(), conf->board, &w->buffers, conf->number);
    w->engine.place = conf->place;
    wait_queue_attach(&w->engine);
    w->engine.conduits = &w->conduits;
    w->engine.max_connections = conf->max_connections;
    w->engine.record = log_ring_record;
    w->engine.record_arg = &w->log;
    w->engine.ask_stats = ask_stats;
    w->engine.ask_stats_arg = w;
    if (w->engine.loop == NULL)
        fatal("cannot make an event loop: %s", strerror(errno));
    conduit_pool_init(&w->conduits, w->engine.loop);
    resolver_init(&w->resolver, w->engine.loop);
    resolver_warm(&w->resolver);
    conf->confine(conf->resources);
    w->engine.temp_dir = confine_path(conf->config->global.temp_dir.p);
}

/* The places that the worker before this one had in queues would be taken for
 * this one's. Without the queues it could not serve anyway. */
static void
clear_queues(const struct worker_conf *conf)
{
    bool said = false;

    while (board_clear_queues(conf->board, conf->number) < 0) {
        if (!said)
            log_warn("waiting for the queues: a process that has them locked "
                     "does not go on");
        said = true;
    }
}

static void
start(struct worker *w)
{
    struct loop *loop = w->engine.loop;
    struct message ready = {.kind = MESSAGE_READY, .fd = -1};
    int signals = open_signals();

    timer_init(&w->beat, on_beat);
    timer_init(&w->drain, leave_when_idle);
    script_stage_init(&w->stage, &w->config.stage, w->conf->master,
                      w->config.now->service.scripts,
                      &w->conf->board->workers[w->conf->number],
                      w->conf->script_generation);
    if (signals < 0 || watch_start(&w->signals, loop, signals, on_signal) < 0 ||
        watch_start(&w->master, loop, w->conf->master, on_master) < 0)
        fatal("cannot listen to the master: %s", strerror(errno));
    clear_queues(w->conf);
    if (watch_start(&w->wake, loop, w->conf->board->wakes[w->conf->number],
                    on_wake) < 0)
        fatal("cannot be woken by the others: %s", strerror(errno));
    if (!w->conf->waits)
        serve(w);
    on_beat(&w->beat);
    if (message_send(w->conf->master, &ready) < 0)
        fatal("cannot speak to the master: %s", strerror(errno));
}

static void
finish(struct worker *w)
{
    struct loop *loop = w->engine.loop;

    timer_stop(&w->beat); /* it looks at the configuration */
    worker_config_fini(&w->config);
    watch_stop(&w->master);
    watch_stop(&w->signals);
    watch_stop(&w->wake);
    close(watch_fd(&w->signals));
    conduit_pool_fini(&w->conduits);
    http_idle_free(&w->engine);
    resolver_fini(&w->resolver);
    loop_free(loop);
    exchange_drop_spares(&w->engine);
    engine_fini(&w->engine);
    buffer_pool_fini(&w->buffers);
    log_ring_stop();
}

int
worker_run(const struct worker_conf *conf)
{
    struct worker w = {.conf = conf};
    char name[32];

    (void)snprintf(name, sizeof(name), "worker[%u]", conf->number);
    log_set_name(name);
    log_ring_start(&w.log, conf->board, conf->number, conf->log_wake);
    init_engine(&w);
    worker_config_init(&w.config, &w.engine, &w.resolver, conf->config,
                       conf->addresses, conf->bundles, conf->sockets,
                       conf->place, conf->script_generation);
    start(&w);
    loop_run(w.engine.loop);
    finish(&w);
    return EXIT_SUCCESS;
}
