/* SPDX-License-Identifier: MIT */
#include "app/master_children.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "app/daemon.h"
#include "app/master_changes.h"
#include "app/master_commands.h"
#include "app/master_end.h"
#include "app/master_logs.h"
#include "app/master_state.h"
#include "app/orphans.h"
#include "app/roles.h"
#include "base/log.h"
#include "board/board.h"
#include "board/events.h"

enum {
    CLEAR_AGAIN_MS = 500, /* until locked queues are tried again */
};

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

static void
on_ready(struct child *child)
{
    struct master *m = child->owner;
    bool all = m->control.ready;

    for (unsigned i = 0; i < m->resources.worker_count; i++)
        all = all && m->workers[i].ready;
    if (!all || m->state != MASTER_STARTING)
        return;
    if (m->takeover.waits) {
        takeover_ready(&m->takeover);
        return;
    }
    m->state = MASTER_RUNNING;
    resources_tell(&m->resources);
    daemon_ready();
    manager_ready(&m->manager);
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
        master_reopen_logs(m);
    if (m->state == MASTER_RUNNING && !orphans_look(m->resources.board))
        upgrade_tidy(&m->upgrade);
    master_look_on(m);
    loop_start_timer(m->loop, timer, STUCK_LOOK_MS);
}

/* Control serves as long as there are workers; a worker as long as nobody has
 * asked for an end. */
static void
replace(struct master *m, struct child *c)
{
    bool wanted = m->state <= MASTER_RUNNING ||
                  (c == &m->control && m->state != MASTER_FINISHING &&
                   !master_leaves_control(m));

    if (c == &m->control && m->letting_go) {
        master_let_go(m);
    } else if (m->state == MASTER_STARTING && !c->ready) {
        log_error("%s before it served", c->last_end);
        daemon_fail(c->last_end);
        m->status = EXIT_FAILURE;
        master_stop(m);
    } else if (wanted) {
        event_note(m->resources.board, EVENT_WORKER,
                   "%s; another takes its place", c->last_end);
        child_restart(c);
    }
    master_finish(m);
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
    if (crashed && m->state >= MASTER_DRAINING)
        log_error("%s", c->last_end);
    replace(m, c);
}

void
master_reap(struct master *m)
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
    master_look_on(m);
}

static void
init_child(struct master *m, struct child *c, const char *title)
{
    c->owner = m;
    c->title = title;
    c->on_ready = on_ready;
    c->on_message = master_message;
    child_init(c, m->loop);
}

void
master_children_init(struct master *m)
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
    timer_init(&m->clear, on_clear);
    timer_init(&m->look, on_look);
    loop_start_timer(m->loop, &m->look, STUCK_LOOK_MS);
}

int
master_children_start(struct master *m)
{
    if (child_start(&m->control) < 0)
        return -1;
    for (unsigned i = 0; i < m->resources.worker_count; i++) {
        if (child_start(&m->workers[i]) < 0)
            return -1;
    }
    return 0;
}
