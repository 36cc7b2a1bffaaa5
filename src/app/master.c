/* SPDX-License-Identifier: MIT */
/*
 *     STARTING ─all ready─▶ RUNNING ─QUIT─▶ DRAINING ──▶ STOPPING ──▶ FINISHING
 *         │                    │               workers leave   │  control
 *         └────TERM, INT, ─────┴───────────────────────────────┘  ships the
 *              a failure                                          rest, leaves
 *
 * The workers leave first and control after them, so that what they logged last
 * is shipped.
 *
 * After an upgrade (upgrade.h) the older program drains likewise, without its
 * control, and the newer one stays in STARTING until it is let begin
 * (takeover.h).
 */
#include "app/master.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/activation.h"
#include "app/child.h"
#include "app/daemon.h"
#include "app/log_pump.h"
#include "app/manager.h"
#include "app/master_request.h"
#include "app/master_verbs.h"
#include "app/notify.h"
#include "app/orphans.h"
#include "app/privileges.h"
#include "app/resources.h"
#include "app/roles.h"
#include "app/script_watch.h"
#include "app/stuck.h"
#include "app/swap.h"
#include "app/takeover.h"
#include "app/upgrade.h"
#include "app/usage.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "board/board.h"
#include "board/events.h"

enum {
    VERB_ANSWER_MAX = 512,
    STOP_GRACE_MS = 5000, /* from the request to leave to the killing */
    CLEAR_AGAIN_MS = 500, /* until locked queues are tried again */
};

enum state {
    STATE_STARTING,  /* not all children serve yet */
    STATE_RUNNING,   /* the dead are replaced */
    STATE_DRAINING,  /* workers end their sessions' work */
    STATE_STOPPING,  /* workers leave */
    STATE_FINISHING, /* control leaves */
};

struct master {
    enum state state;
    int status; /* of the exit */
    struct resources resources;
    struct loop *loop;
    struct watch signals;
    int signal_fd; /* -1: not watched */
    struct child control;
    struct child *workers;
    struct timer drain; /* a graceful stop takes too long */
    struct timer grace; /* a stop does */
    struct timer clear; /* queues have entries of the dead */
    struct timer look;  /* at whether a worker is stuck */
    struct stuck *seen; /* of each worker */
    struct swap swap;   /* of scripts */
    struct script_watch watch;
    struct log_pump logs;
    bool reopen_again; /* the logs, once nothing is exchanged any more */
    struct usage usage;
    struct upgrade upgrade;   /* to a newer program */
    struct takeover takeover; /* from an older one */
    bool letting_go;          /* control leaves, and a newer one begins then */
    bool read_later;          /* the configuration, after an upgrade */
    struct manager manager;   /* of services, if there is one */
};

static void reopen_logs(struct master *m);
static void stop(struct master *m);
static void drain(struct master *m);
static void look_on(struct master *m);

/* --- the children --------------------------------------------------------- */

static int
run_worker(struct child *child, int socket)
{
    struct master *m = child->owner;

    return role_run_worker(&m->resources, child->place, socket);
}

static int
run_control(struct child *child, int socket)
{
    struct master *m = child->owner;

    return role_run_control(&m->resources, socket);
}

static void
on_worker_start(struct child *child)
{
    struct master *m = child->owner;

    board_worker_started(m->resources.board, child->number, child->pid, 1);
}

static void
on_control_start(struct child *child)
{
    (void)child; /* it has no row on the board */
}

/* "serving on 0.0.0.0:80 unix:/run/x workers=2" */
static void
tell_serving(const struct master *m)
{
    const struct sockets *sockets = &m->resources.sockets;
    char text[LOG_LINE_MAX / 2];
    struct buf b;

    buf_init(&b, text, sizeof(text));
    for (size_t i = 0; i < sockets->listener_count; i++)
        buf_printf(&b, " %s", sockets->texts[i]);
    log_info("serving on" STR_FMT "%s workers=%u pid=%ld",
             STR_ARG(buf_text(&b)), b.failed ? " and others" : "",
             m->resources.worker_count, (long)getpid());
}

static void
on_ready(struct child *child)
{
    struct master *m = child->owner;
    bool all = m->control.ready;

    for (unsigned i = 0; i < m->resources.worker_count; i++)
        all = all && m->workers[i].ready;
    if (!all || m->state != STATE_STARTING)
        return;
    if (m->takeover.waits) {
        takeover_ready(&m->takeover);
        return;
    }
    m->state = STATE_RUNNING;
    tell_serving(m);
    daemon_ready();
    manager_ready(&m->manager);
}

/* TEXT is "ok", a newline and more, or "error WHY" with its newline. */
static void
answer(struct master *m, uint32_t client, struct str text)
{
    const struct message message = {
        .kind = MESSAGE_ANSWER,
        .arg = client,
        .fd = -1,
        .text = text,
    };

    if (child_send(&m->control, &message) < 0)
        log_warn("cannot answer a client of control: %s", strerror(errno));
}

/* WHY ends with a newline. */
static void
answer_error(struct master *m, uint32_t client, const char *why)
{
    char text[256];
    struct buf b;

    buf_init(&b, text, sizeof(text));
    buf_printf(&b, "error %s", why);
    answer(m, client, buf_text(&b));
}

/* What a client of the control socket asks of the master, but for scripts. */
struct verb {
    const char *word;
    void (*run)(struct master *m, uint32_t client,
                const struct master_request *request);
};

static void
verb_reload(struct master *m, uint32_t client,
            const struct master_request *request)
{
    const char *why;

    if (request->arguments.len > 0) {
        answer(m, client, STR("error reload takes no arguments but --json\n"));
        return;
    }
    why = upgrade_is_on(&m->upgrade)
              ? "an upgrade is under way, which reads the configuration, "
                "too\n"
              : swap_reload(&m->swap, client, request->json, request->who);
    if (why != NULL)
        answer_error(m, client, why);
    else
        manager_reloading(&m->manager);
}

static void
verb_log(struct master *m, uint32_t client,
         const struct master_request *request)
{
    char memory[VERB_ANSWER_MAX];
    struct buf b;

    buf_init(&b, memory, sizeof(memory));
    master_verb_log(&b, m->resources.board, request);
    answer(m, client, buf_text(&b));
}

/* The answer goes out before the end begins. */
static void
verb_stop(struct master *m, uint32_t client,
          const struct master_request *request)
{
    char memory[VERB_ANSWER_MAX];
    bool graceful;
    bool stops;
    struct buf b;

    buf_init(&b, memory, sizeof(memory));
    stops = master_verb_stop(&b, &graceful, request);
    answer(m, client, buf_text(&b));
    if (stops)
        (graceful ? drain : stop)(m);
}

static void
run_upgrade(struct master *m, uint32_t client,
            const struct master_request *request)
{
    struct upgrade_asker asker = {
        .waits = true,
        .client = client,
        .json = request->json,
    };

    if (m->state != STATE_RUNNING)
        answer(m, client,
               STR("error the program is not running yet, or is "
                   "stopping\n"));
    else
        upgrade_start_for(&m->upgrade, &asker, request->arguments);
}

static const struct verb verbs[] = {
    {"log", verb_log},   {"reload", verb_reload},
    {"stop", verb_stop}, {"upgrade", run_upgrade},
    {NULL, NULL},
};

static void
on_command(struct master *m, const struct message *message)
{
    struct master_request request;

    if (master_request_read(&request, message->text) < 0) {
        answer(m, message->arg, STR("error that is no request\n"));
        return;
    }
    for (const struct verb *v = verbs; v->word != NULL; v++) {
        if (str_equal(request.verb, str_from(v->word))) {
            v->run(m, message->arg, &request);
            return;
        }
    }
    answer(m, message->arg,
           STR("error that is not supported in this version\n"));
}

/* Control is unprivileged, and perhaps in a chroot: the master connects to a
 * local syslog for it. What fails is asked for again by control. */
static void
help_log(struct master *m, uint32_t target)
{
    struct message message = {
        .kind = MESSAGE_LOG_FILE,
        .arg = target,
        .fd = log_output_connect(&m->resources.logs, target),
    };

    if (message.fd < 0)
        return;
    if (child_send(&m->control, &message) < 0)
        log_debug("cannot hand control a syslog: %s", strerror(errno));
    close(message.fd);
}

/* What a client of control may ask for is no worker's to ask: those hear
 * whoever comes. */
static bool
may_ask(const struct master *m, const struct child *child,
        const struct message *message)
{
    if (child == &m->control ||
        (message->kind != MESSAGE_COMMAND && message->kind != MESSAGE_LOG_HELP))
        return true;
    log_error("%s asks for what only control may ask for", child->name);
    return false;
}

/* Clients of the control socket ask for more than scripts. */
static void
on_message(struct child *child, const struct message *message)
{
    struct master *m = child->owner;

    if (!may_ask(m, child, message))
        return;
    if (message->kind == MESSAGE_LOG_HELP)
        help_log(m, message->arg);
    else if (message->kind == MESSAGE_COMMAND &&
             !str_starts_with(message->text, STR("script ")))
        on_command(m, message);
    else if (message->kind == MESSAGE_COMMAND && upgrade_is_on(&m->upgrade))
        answer_error(m, message->arg,
                     "an upgrade is under way, which loads the scripts, too\n");
    else
        swap_message(&m->swap, child, message);
    look_on(m);
}

static void
init_child(struct master *m, struct child *c, const char *title)
{
    c->owner = m;
    c->title = title;
    c->on_ready = on_ready;
    c->on_message = on_message;
    child_init(c, m->loop);
}

static void
init_children(struct master *m)
{
    m->control.run = run_control;
    m->control.on_start = on_control_start;
    (void)snprintf(m->control.name, sizeof(m->control.name), "control");
    init_child(m, &m->control, "mg-control");
    m->workers = xcalloc(m->resources.worker_count, sizeof(*m->workers));
    m->seen = xcalloc(m->resources.worker_count, sizeof(*m->seen));
    for (unsigned i = 0; i < m->resources.worker_count; i++) {
        struct child *c = &m->workers[i];

        c->run = run_worker;
        c->on_start = on_worker_start;
        c->number = m->resources.shared.numbers[i];
        c->place = i;
        (void)snprintf(c->name, sizeof(c->name), "worker[%u]", c->number);
        init_child(m, c, "mg-worker");
    }
}

/* --- ending --------------------------------------------------------------- */

static bool
any_worker(const struct master *m)
{
    for (unsigned i = 0; i < m->resources.worker_count; i++) {
        if (child_is_running(&m->workers[i]))
            return true;
    }
    return false;
}

static void
tell_workers(struct master *m, enum message_kind kind)
{
    for (unsigned i = 0; i < m->resources.worker_count; i++) {
        child_give_up(&m->workers[i]);
        child_tell(&m->workers[i], kind);
    }
}

/* Goes on with the ending when those that it waits for have left. */
static void
finish(struct master *m)
{
    if (m->state < STATE_DRAINING || any_worker(m))
        return;
    if (m->state != STATE_FINISHING) {
        m->state = STATE_FINISHING;
        timer_stop(&m->drain);
        loop_start_timer(m->loop, &m->grace, STOP_GRACE_MS);
        child_give_up(&m->control);
        child_tell(&m->control, MESSAGE_STOP);
    }
    if (!child_is_running(&m->control))
        loop_stop(m->loop);
}

/* Who asks for the end means the newer program, too, as long as that does not
 * serve: control leaves in vain. */
static void
call_off(struct master *m)
{
    if (!m->letting_go)
        return;
    m->letting_go = false;
    timer_stop(&m->grace);
    upgrade_abandon(&m->upgrade);
}

/* Scripts stay as they are from now on. */
static void
close_swap(struct master *m)
{
    script_watch_stop(&m->watch);
    swap_close(&m->swap);
    upgrade_cancel(&m->upgrade);
}

static void
stop(struct master *m)
{
    if (m->state >= STATE_STOPPING)
        return;
    m->state = STATE_STOPPING;
    manager_stopping(&m->manager);
    call_off(m);
    close_swap(m);
    timer_stop(&m->drain);
    loop_start_timer(m->loop, &m->grace, STOP_GRACE_MS);
    tell_workers(m, MESSAGE_STOP);
    finish(m);
}

static void
drain(struct master *m)
{
    if (m->state >= STATE_DRAINING)
        return;
    m->state = STATE_DRAINING;
    manager_stopping(&m->manager);
    call_off(m);
    close_swap(m);
    loop_start_timer(m->loop, &m->drain,
                     m->resources.config->global.drain_timeout_ms);
    sockets_hide(&m->resources.sockets);
    tell_workers(m, MESSAGE_DRAIN);
    finish(m);
}

/* --- upgrades ------------------------------------------------------------- */

/* Every child of this program, which is the newer one, may serve. */
static void
on_begin(void *owner)
{
    struct master *m = owner;

    if (m->state != STATE_STARTING)
        return; /* it has been told to stop meanwhile */
    m->state = STATE_RUNNING;
    script_watch_start(&m->watch, &m->swap, m->loop, &m->resources);
    script_watch_look(&m->watch);
    child_tell(&m->control, MESSAGE_UPGRADE_BEGIN);
    for (unsigned i = 0; i < m->resources.worker_count; i++)
        child_tell(&m->workers[i], MESSAGE_UPGRADE_BEGIN);
    if (m->resources.shared.adopted)
        reload_leave_others(&m->swap.reload);
    notify_mainpid(getpid());
    manager_ready(&m->manager);
    tell_serving(m);
    look_on(m);
}

/* This program, the older one, ends what its workers have. */
static void
leave(struct master *m)
{
    close_swap(m);
    manager_stop(&m->manager); /* the newer one speaks to it */
    if (m->state == STATE_RUNNING) {
        m->state = STATE_DRAINING;
        loop_start_timer(m->loop, &m->drain,
                         m->resources.config->global.drain_timeout_ms);
        tell_workers(m, MESSAGE_UPGRADE_LEAVE);
    }
    if (child_is_running(&m->control))
        child_tell(&m->control, MESSAGE_UPGRADE_LEAVE);
    sockets_close(&m->resources.sockets);
    stats_sockets_leave(&m->resources.stats);
    socket_file_close(&m->resources.control);
    if (m->read_later)
        kill(m->upgrade.pid, SIGHUP);
    log_info("handed over; what this program has goes on until it ends "
             "drain_timeout=%" PRIu64 "s",
             m->resources.config->global.drain_timeout_ms / 1000);
    finish(m);
}

static void
let_go(struct master *m)
{
    m->letting_go = false;
    timer_stop(&m->grace);
    resources_hand_over(&m->resources, true);
    if (upgrade_begin(&m->upgrade) == 0) {
        leave(m);
        return;
    }
    resources_hand_over(&m->resources, false);
    if (!child_is_running(&m->control))
        child_restart(&m->control);
}

/* Two controls would both check servers, and read the same rings. */
static void
on_successor(void *owner, bool new_board)
{
    struct master *m = owner;

    if (new_board) {
        let_go(m);
        return;
    }
    m->letting_go = true;
    child_give_up(&m->control);
    if (!child_is_running(&m->control)) {
        let_go(m);
        return;
    }
    child_tell(&m->control, MESSAGE_STOP);
    loop_start_timer(m->loop, &m->grace, STOP_GRACE_MS);
}

static bool
is_exchanging(void *owner)
{
    const struct master *m = owner;

    return swap_is_busy(&m->swap);
}

static void
answer_client(void *owner, uint32_t client, struct str text)
{
    answer(owner, client, text);
}

static void
on_drain_timeout(struct timer *timer)
{
    struct master *m = container_of(timer, struct master, drain);

    log_info("drain_timeout is over: closing what is left");
    stop(m);
}

static void
kill_child(const struct child *c)
{
    if (!child_is_running(c))
        return;
    log_error("%s (pid %ld) does not leave; killing it", c->name, (long)c->pid);
    kill(c->pid, SIGKILL);
}

static void
on_grace_over(struct timer *timer)
{
    struct master *m = container_of(timer, struct master, grace);

    for (unsigned i = 0; i < m->resources.worker_count && !m->letting_go; i++)
        kill_child(&m->workers[i]);
    if (m->state == STATE_FINISHING || m->letting_go)
        kill_child(&m->control);
}

static void
kill_stuck(struct master *m, struct child *c)
{
    struct board *board = m->resources.board;
    uint64_t grace_ms =
        STUCK_GRACE_MS + m->resources.config->global.script_budget_ms;

    if (!child_is_running(c) || !c->ready ||
        !stuck_look(&m->seen[c->place], board, c->number, c->pid, grace_ms))
        return;
    stuck_blame(board, c->number, c->name, c->pid);
    kill(c->pid, SIGKILL);
    m->seen[c->place] = (struct stuck){0};
}

static void
on_look(struct timer *timer)
{
    struct master *m = container_of(timer, struct master, look);

    for (unsigned i = 0; i < m->resources.worker_count; i++)
        kill_stuck(m, &m->workers[i]);
    if (m->reopen_again && !swap_is_busy(&m->swap))
        reopen_logs(m);
    if (m->state == STATE_RUNNING && !orphans_look(m->resources.board))
        upgrade_tidy(&m->upgrade);
    look_on(m);
    loop_start_timer(m->loop, timer, STUCK_LOOK_MS);
}

/* After an upgrade the newer program's control does what this one's did, unless
 * it has another board. */
static bool
leaves_control(const struct master *m)
{
    return m->upgrade.state == UPGRADE_OVER && !m->upgrade.new_board;
}

/* Control serves as long as there are workers; a worker as long as nobody has
 * asked for an end. */
static void
replace(struct master *m, struct child *c)
{
    bool wanted =
        m->state <= STATE_RUNNING ||
        (c == &m->control && m->state != STATE_FINISHING && !leaves_control(m));

    if (c == &m->control && m->letting_go) {
        let_go(m);
    } else if (m->state == STATE_STARTING && !c->ready) {
        log_error("%s before it served", c->last_end);
        daemon_fail(c->last_end);
        m->status = EXIT_FAILURE;
        stop(m);
    } else if (wanted) {
        event_note(m->resources.board, EVENT_WORKER,
                   "%s; another takes its place", c->last_end);
        child_restart(c);
    }
    finish(m);
}

static struct child *
find_child(struct master *m, pid_t pid)
{
    if (m->control.pid == pid)
        return &m->control;
    for (unsigned i = 0; i < m->resources.worker_count; i++) {
        if (m->workers[i].pid == pid)
            return &m->workers[i];
    }
    return NULL;
}

/* What dead workers have left in queues: those that were replaced see to it by
 * themselves. */
static void
clear_queues(struct master *m)
{
    bool left = false;

    for (unsigned i = 0; i < m->resources.worker_count; i++) {
        const struct child *c = &m->workers[i];

        if (!child_is_running(c) &&
            board_clear_queues(m->resources.board, c->number) < 0)
            left = true;
    }
    if (left)
        loop_start_timer(m->loop, &m->clear, CLEAR_AGAIN_MS);
}

static void
on_clear(struct timer *timer)
{
    clear_queues(container_of(timer, struct master, clear));
}

static void
on_end(struct master *m, struct child *c, int status)
{
    bool crashed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;

    if (c != &m->control) {
        board_worker_died(m->resources.board, c->number);
        loop_start_timer(m->loop, &m->clear, CLEAR_AGAIN_MS);
    }
    child_ended(c, status);
    swap_child_ended(&m->swap, c);
    if (crashed && m->state >= STATE_DRAINING)
        log_error("%s", c->last_end);
    replace(m, c);
}

static void
reap(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *c = find_child(m, pid);

        if (c != NULL)
            on_end(m, c, status);
        else
            swap_reaped(&m->swap, pid, status);
        upgrade_reaped(&m->upgrade, pid, status);
    }
    look_on(m);
}

/* --- signals -------------------------------------------------------------- */

/* A configuration that is being exchanged has opened the files that were there
 * under these names before. */
static void
reopen_logs(struct master *m)
{
    struct log_output *logs = &m->resources.logs;

    m->reopen_again = swap_is_busy(&m->swap);
    log_info("opening the log files again");
    for (size_t i = 0; i < logs->count; i++) {
        struct message message = {.kind = MESSAGE_LOG_FILE, .arg = (uint32_t)i};

        if (!log_output_reopen(logs, i) || m->control.socket < 0)
            continue;
        message.fd = logs->targets[i].fd;
        if (message_send(m->control.socket, &message) < 0)
            log_error("cannot hand a log file to control: %s", strerror(errno));
    }
}

static void
upgrade_by_signal(struct master *m)
{
    const struct upgrade_asker asker = {.seconds = UPGRADE_SECONDS};

    if (m->state == STATE_RUNNING)
        upgrade_start(&m->upgrade, &asker);
    else
        log_warn("the upgrade is refused: the program is not running yet, or "
                 "is stopping");
}

/* The new program of an upgrade may have read it before it was changed. */
static void
read_again(struct master *m)
{
    m->read_later = false;
    if (m->state > STATE_RUNNING) {
        log_warn("not reading the configuration again: the program is "
                 "stopping");
        return;
    }
    m->read_later = upgrade_is_on(&m->upgrade) || m->takeover.waits;
    if (m->read_later) {
        log_info("reading the configuration again after the upgrade");
        return;
    }
    log_info("reading the configuration and its scripts again");
    swap_all(&m->swap, "SIGHUP");
    manager_reloading(&m->manager);
}

/* Whatever waits for the end of something else goes on if that has come. */
static void
look_on(struct master *m)
{
    manager_reloaded(&m->manager, swap_is_busy(&m->swap));
    swap_look(&m->swap);
    upgrade_look(&m->upgrade);
    if (m->read_later && !upgrade_is_on(&m->upgrade) && !m->takeover.waits)
        read_again(m);
}

static void
handle_signal(struct master *m, int number)
{
    switch (number) {
    case SIGCHLD:
        reap(m);
        return;
    case SIGTERM:
    case SIGINT:
        log_info("stopping now signal=SIG%s", sigabbrev_np(number));
        stop(m);
        return;
    case SIGQUIT:
        log_info("stopping gracefully: accepting no more connections");
        drain(m);
        return;
    case SIGUSR1:
        reopen_logs(m);
        return;
    case SIGHUP:
        read_again(m);
        return;
    case SIGUSR2:
        upgrade_by_signal(m);
        return;
    }
}

static void
on_signal(struct watch *watch)
{
    struct master *m = container_of(watch, struct master, signals);
    struct signalfd_siginfo info;

    while (read(watch_fd(watch), &info, sizeof(info)) == sizeof(info))
        handle_signal(m, (int)info.ssi_signo);
}

static int
watch_signals(struct master *m)
{
    static const int numbers[] = {SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
                                  SIGUSR1, SIGUSR2, SIGCHLD};
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        sigaddset(&set, numbers[i]);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        return -1;
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (watch_start(&m->signals, m->loop, fd, on_signal) < 0) {
        close(fd);
        return -1;
    }
    m->signal_fd = fd;
    return 0;
}

/* --- starting ------------------------------------------------------------- */

static int
start_children(struct master *m)
{
    if (child_start(&m->control) < 0)
        return -1;
    for (unsigned i = 0; i < m->resources.worker_count; i++) {
        if (child_start(&m->workers[i]) < 0)
            return -1;
    }
    return 0;
}

static int
start(struct master *m)
{
    m->loop = loop_new();
    if (m->loop == NULL || watch_signals(m) < 0 || privileges_limit() < 0) {
        log_error("cannot start: %s", strerror(errno));
        return -1;
    }
    timer_init(&m->drain, on_drain_timeout);
    timer_init(&m->grace, on_grace_over);
    timer_init(&m->clear, on_clear);
    timer_init(&m->look, on_look);
    loop_start_timer(m->loop, &m->look, STUCK_LOOK_MS);
    log_pump_start(&m->logs, m->loop, &m->resources.logs, NULL, NULL);
    init_children(m);
    upgrade_init(&m->upgrade, m->loop, &m->resources,
                 &(struct upgrade_calls){.owner = m,
                                         .is_busy = is_exchanging,
                                         .answer = answer_client,
                                         .ready = on_successor});
    if (takeover_start(&m->takeover, m->loop, &m->resources, on_begin, m) < 0) {
        log_error("cannot hear the older program: %s", strerror(errno));
        return -1;
    }
    manager_start(&m->manager, m->loop, m->resources.board,
                  m->resources.shared.numbers, m->resources.worker_count);
    swap_init(&m->swap, m->loop, &m->resources, &m->control, m->workers);
    if (!m->takeover.waits) /* control takes part in no exchange until then */
        script_watch_start(&m->watch, &m->swap, m->loop, &m->resources);
    usage_start(&m->usage, m->loop, &m->resources, &m->control, m->workers);
    if (start_children(m) < 0) {
        m->status = EXIT_FAILURE;
        /* The loop has to turn to see those off that did start. */
        kill(getpid(), SIGTERM);
    }
    return 0;
}

static void
fini(struct master *m)
{
    if (m->signal_fd >= 0) {
        watch_stop(&m->signals);
        close(m->signal_fd);
    }
    if (m->logs.output != NULL)
        log_pump_stop(&m->logs);
    script_watch_stop(&m->watch);
    manager_stop(&m->manager);
    if (m->usage.loop != NULL)
        usage_stop(&m->usage);
    swap_fini(&m->swap);
    upgrade_fini(&m->upgrade);
    takeover_stop(&m->takeover);
    loop_free(m->loop);
    free(m->workers);
    free(m->seen);
    resources_close(&m->resources);
}

int
master_run(const char *file, bool daemon)
{
    struct master m = {
        .status = EXIT_SUCCESS,
        .signal_fd = -1,
    };

    clock_update();
    signal(SIGPIPE, SIG_IGN);
    notify_init();
    activation_init();
    if (resources_open(&m.resources, file, daemon) < 0 || start(&m) < 0) {
        notify_errno(errno);
        fini(&m);
        return EXIT_FAILURE;
    }
    loop_run(m.loop);
    log_info("stopped");
    fini(&m);
    return m.status;
}
