/* SPDX-License-Identifier: MIT */
#include "app/master_changes.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "app/master_end.h"
#include "app/master_state.h"
#include "app/notify.h"
#include "app/swap_ask.h"
#include "base/log.h"

static bool
is_exchanging(void *owner)
{
    const struct master *m = owner;

    return swap_is_busy(&m->swap);
}

/* The new program of an upgrade may have read it before it was changed. */
void
master_read_again(struct master *m)
{
    m->read_later = false;
    if (m->state > MASTER_RUNNING) {
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

void
master_look_on(struct master *m)
{
    manager_reloaded(&m->manager, swap_is_busy(&m->swap));
    swap_look(&m->swap);
    upgrade_look(&m->upgrade);
    if (m->read_later && !upgrade_is_on(&m->upgrade) && !m->takeover.waits)
        master_read_again(m);
}

void
master_upgrade(struct master *m)
{
    const struct upgrade_asker asker = {.seconds = UPGRADE_SECONDS};

    if (m->state == MASTER_RUNNING)
        upgrade_start(&m->upgrade, &asker);
    else
        log_warn("the upgrade is refused: the program is not running yet, or "
                 "is stopping");
}

bool
master_leaves_control(const struct master *m)
{
    return m->upgrade.state == UPGRADE_OVER && !m->upgrade.new_board;
}

/* Every child of this program, which is the newer one, may serve. */
static void
on_begin(void *owner)
{
    struct master *m = owner;

    if (m->state != MASTER_STARTING)
        return; /* it has been told to stop meanwhile */
    m->state = MASTER_RUNNING;
    script_watch_start(&m->watch, &m->swap, m->loop, &m->resources);
    script_watch_look(&m->watch);
    child_tell(&m->control, MESSAGE_UPGRADE_BEGIN);
    for (unsigned i = 0; i < m->resources.worker_count; i++)
        child_tell(&m->workers[i], MESSAGE_UPGRADE_BEGIN);
    if (m->resources.shared.adopted)
        reload_leave_others(&m->swap.reload);
    notify_mainpid(getpid());
    manager_ready(&m->manager);
    resources_tell(&m->resources);
    master_look_on(m);
}

/* This program, the older one, ends what its workers have. */
static void
leave(struct master *m)
{
    master_close_swap(m);
    manager_stop(&m->manager); /* the newer one speaks to it */
    if (m->state == MASTER_RUNNING) {
        m->state = MASTER_DRAINING;
        loop_start_timer(m->loop, &m->drain,
                         m->resources.config->global.drain_timeout_ms);
        master_tell_workers(m, MESSAGE_UPGRADE_LEAVE);
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
    master_finish(m);
}

void
master_let_go(struct master *m)
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
        master_let_go(m);
        return;
    }
    m->letting_go = true;
    child_give_up(&m->control);
    if (!child_is_running(&m->control)) {
        master_let_go(m);
        return;
    }
    child_tell(&m->control, MESSAGE_STOP);
    loop_start_timer(m->loop, &m->grace, MASTER_GRACE_MS);
}

static void
answer_client(void *owner, uint32_t client, struct str text)
{
    struct master *m = owner;

    child_answer(&m->control, client, text);
}

int
master_changes_init(struct master *m)
{
    upgrade_init(&m->upgrade, m->loop, &m->resources,
                 &(struct upgrade_calls){.owner = m,
                                         .is_busy = is_exchanging,
                                         .answer = answer_client,
                                         .ready = on_successor});
    if (takeover_start(&m->takeover, m->loop, &m->resources, on_begin, m) < 0) {
        log_error("cannot hear the older program: %s", strerror(errno));
        return -1;
    }
    swap_init(&m->swap, m->loop, &m->resources, &m->control, m->workers);
    if (!m->takeover.waits) /* control takes part in no exchange until then */
        script_watch_start(&m->watch, &m->swap, m->loop, &m->resources);
    return 0;
}
