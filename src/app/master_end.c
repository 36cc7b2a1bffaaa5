/* SPDX-License-Identifier: MIT */
#include "app/master_end.h"

#include <signal.h>

#include "app/master_state.h"
#include "base/log.h"

static bool
any_worker(const struct master *m)
{
    for (unsigned i = 0; i < m->resources.worker_count; i++) {
        if (child_is_running(&m->workers[i]))
            return true;
    }
    return false;
}

void
master_tell_workers(struct master *m, enum message_kind kind)
{
    for (unsigned i = 0; i < m->resources.worker_count; i++) {
        child_give_up(&m->workers[i]);
        child_tell(&m->workers[i], kind);
    }
}

void
master_finish(struct master *m)
{
    if (m->state < MASTER_DRAINING || any_worker(m))
        return;
    if (m->state != MASTER_FINISHING) {
        m->state = MASTER_FINISHING;
        timer_stop(&m->drain);
        loop_start_timer(m->loop, &m->grace, MASTER_GRACE_MS);
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

void
master_close_swap(struct master *m)
{
    script_watch_stop(&m->watch);
    swap_close(&m->swap);
    upgrade_cancel(&m->upgrade);
}

void
master_stop(struct master *m)
{
    if (m->state >= MASTER_STOPPING)
        return;
    m->state = MASTER_STOPPING;
    manager_stopping(&m->manager);
    call_off(m);
    master_close_swap(m);
    timer_stop(&m->drain);
    loop_start_timer(m->loop, &m->grace, MASTER_GRACE_MS);
    master_tell_workers(m, MESSAGE_STOP);
    master_finish(m);
}

void
master_drain(struct master *m)
{
    if (m->state >= MASTER_DRAINING)
        return;
    m->state = MASTER_DRAINING;
    manager_stopping(&m->manager);
    call_off(m);
    master_close_swap(m);
    loop_start_timer(m->loop, &m->drain,
                     m->resources.config->global.drain_timeout_ms);
    sockets_hide(&m->resources.sockets);
    master_tell_workers(m, MESSAGE_DRAIN);
    master_finish(m);
}

static void
on_drain_timeout(struct timer *timer)
{
    struct master *m = container_of(timer, struct master, drain);

    log_info("drain_timeout is over: closing what is left");
    master_stop(m);
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
    if (m->state == MASTER_FINISHING || m->letting_go)
        kill_child(&m->control);
}

void
master_end_init(struct master *m)
{
    timer_init(&m->drain, on_drain_timeout);
    timer_init(&m->grace, on_grace_over);
}
