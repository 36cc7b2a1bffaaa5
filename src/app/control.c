/* SPDX-License-Identifier: MIT */
#include "app/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/control_config.h"
#include "app/control_server.h"
#include "app/log_output.h"
#include "app/log_pump.h"
#include "app/log_ring.h"
#include "app/message.h"
#include "app/script_stage.h"
#include "app/script_texts.h"
#include "app/stats_server.h"
#include "base/clock.h"
#include "base/log.h"
#include "board/board.h"
#include "board/history.h"
#include "net/loop.h"

enum {
    LEAVE_MS = 250,    /* for those who were let in, */
    LEAVE_LOOK_MS = 5, /* and between two looks at them */
};

struct control {
    const struct control_conf *conf;
    struct loop *loop;
    struct watch master;
    struct log_pump pump;
    struct log_shipper shipper;
    struct control_server server;
    struct stats_server stats;
    struct control_config config;
    struct script_stage stage;
    struct script_texts texts;
    struct timer history;
    struct timer leaving; /* somebody's question may be open still */
    uint64_t leaves_ms;   /* when it is left open */
};

static void
on_line(void *arg, enum log_level level, const char *line, size_t len)
{
    log_output_line(arg, getpid(), level, str_make(line, len - 1));
    log_output_flush(arg);
}

/* The texts first: the descriptor is closed by who loads them. */
static void
on_scripts(struct control *c, const struct message *m)
{
    script_texts_message(&c->texts, m);
    script_stage_message(&c->stage, m);
}

/* Another program answers from now on. */
static void
leave(struct control *c)
{
    control_server_pause(&c->server);
    stats_server_leave(&c->stats);
}

static void
on_leaving(struct timer *timer)
{
    struct control *c = container_of(timer, struct control, leaving);

    if (clock_ms() < c->leaves_ms &&
        (control_server_is_asked(&c->server) || c->stats.clients.count > 0))
        loop_start_timer(c->loop, timer, LEAVE_LOOK_MS);
    else
        loop_stop(c->loop);
}

/* Whoever was let in is answered: what was asked may not have been read yet. */
static void
stop(struct control *c)
{
    leave(c);
    c->leaves_ms = clock_ms() + LEAVE_MS;
    on_leaving(&c->leaving);
}

static void
on_message(struct control *c, const struct message *m)
{
    if (m->kind == MESSAGE_STOP)
        stop(c);
    else if (m->kind == MESSAGE_LOG_FILE && m->fd >= 0)
        log_output_replace(c->config.now->logs, m->arg, m->fd);
    else if (m->kind == MESSAGE_ANSWER && m->arg >= STATS_TICKET)
        stats_server_answer(&c->stats, m->arg, m->text);
    else if (m->kind == MESSAGE_UPGRADE_LEAVE)
        leave(c);
    else if (m->kind == MESSAGE_ANSWER)
        control_server_answer(&c->server, m->arg, m->text);
    else if (m->kind == MESSAGE_STATS_LISTENER)
        stats_server_offer(&c->stats, m);
    else if (m->kind == MESSAGE_CONFIG || m->kind == MESSAGE_LOG_TARGET)
        control_config_message(&c->config, m);
    else
        on_scripts(c, m);
}

static int
ask_master(void *arg, uint32_t ticket, struct str text)
{
    const struct control *c = arg;
    const struct message m = {
        .kind = MESSAGE_COMMAND,
        .arg = ticket,
        .fd = -1,
        .text = text,
    };

    return message_send(c->conf->master, &m);
}

/* Not spoken of when it fails: it is asked for again. */
static void
ask_for_log(void *arg, size_t target)
{
    const struct control *c = arg;
    const struct message m = {
        .kind = MESSAGE_LOG_HELP,
        .arg = (uint32_t)target,
        .fd = -1,
    };

    (void)message_send(c->conf->master, &m);
}

static void
on_master(struct watch *watch)
{
    struct control *c = container_of(watch, struct control, master);
    struct message m;

    switch (message_receive(&m, watch_fd(watch))) {
    case MESSAGE_NONE:
        return;
    case MESSAGE_CLOSED:
        loop_stop(c->loop);
        return;
    case MESSAGE_GOT:
        on_message(c, &m);
        return;
    }
}

/* What is in the rings was said under the configuration before. */
static void
use_logs(void *arg, struct log_output *logs)
{
    struct control *c = arg;

    log_shipper_use(&c->shipper, logs);
    log_pump_use(&c->pump, logs);
    log_set_level(log_output_level(logs->config));
    log_set_sink(on_line, logs);
}

static void
on_history(struct timer *timer)
{
    struct control *c = container_of(timer, struct control, history);

    history_step(c->conf->board);
    loop_start_timer(c->loop, timer, HISTORY_STEP_MS);
}

static void
start(struct control *c)
{
    const struct control_conf *conf = c->conf;
    struct message ready = {.kind = MESSAGE_READY, .fd = -1};
    const struct stats_source source = {
        .board = conf->board,
        .texts = &c->texts,
        .ask = ask_master,
        .ask_arg = c,
    };

    c->loop = loop_new();
    if (c->loop == NULL ||
        watch_start(&c->master, c->loop, conf->master, on_master) < 0 ||
        control_config_start(&c->config, conf, c->loop, &c->stats, use_logs,
                             c) < 0 ||
        log_shipper_start(&c->shipper, c->loop, conf->board, conf->logs,
                          conf->log_wake) < 0 ||
        control_server_start(&c->server, c->loop, conf->board, conf->listener,
                             ask_master, c) < 0)
        fatal("cannot start: %s", strerror(errno));
    log_pump_start(&c->pump, c->loop, conf->logs, ask_for_log, c);
    script_stage_init(&c->stage, &c->config.stage, conf->master,
                      control_config_scripts(&c->config), NULL, 0);
    script_texts_init(&c->texts, conf->bundles);
    timer_init(&c->leaving, on_leaving);
    timer_init(&c->history, on_history);
    on_history(&c->history);
    if (stats_server_start(&c->stats, c->loop, conf->config, conf->stats,
                           conf->stats_link, &source) < 0)
        log_error("cannot serve the statistics: %s", strerror(errno));
    if (message_send(conf->master, &ready) < 0)
        fatal("cannot start: %s", strerror(errno));
}

/* After an upgrade the older program's control does its work until it is told
 * to leave. false: this one is not wanted. */
static bool
wait_for_turn(const struct control_conf *conf)
{
    struct message ready = {.kind = MESSAGE_READY, .fd = -1};
    struct pollfd poller = {.fd = conf->master, .events = POLLIN};
    struct message m;

    if (message_send(conf->master, &ready) < 0)
        return false;
    for (;;) {
        if (poll(&poller, 1, -1) < 0 && errno != EINTR)
            return false;
        switch (message_receive(&m, conf->master)) {
        case MESSAGE_NONE:
            continue;
        case MESSAGE_CLOSED:
            return false;
        case MESSAGE_GOT:
            break;
        }
        if (m.kind == MESSAGE_LOG_FILE && m.fd >= 0)
            log_output_replace(conf->logs, m.arg, m.fd);
        else
            message_close(&m);
        if (m.kind == MESSAGE_UPGRADE_BEGIN || m.kind == MESSAGE_STOP)
            return m.kind == MESSAGE_UPGRADE_BEGIN;
    }
}

int
control_run(const struct control_conf *conf)
{
    struct control c = {.conf = conf};

    log_set_name("control");
    log_set_sink(on_line, conf->logs);
    if (conf->waits && !wait_for_turn(conf))
        return EXIT_SUCCESS;
    clock_update();
    start(&c);
    loop_run(c.loop);
    timer_stop(&c.leaving);
    timer_stop(&c.history);
    script_texts_fini(&c.texts);
    stats_server_stop(&c.stats);
    control_server_stop(&c.server);
    log_shipper_stop(&c.shipper);
    log_pump_stop(&c.pump);
    log_output_drain(c.shipper.output);
    watch_stop(&c.master);
    control_config_stop(&c.config);
    loop_free(c.loop);
    log_set_sink(NULL, NULL);
    control_config_fini(&c.config);
    return EXIT_SUCCESS;
}
