/* SPDX-License-Identifier: MIT */
#include "app/manager.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/notify.h"
#include "base/clock.h"
#include "board/board.h"
#include "board/slots.h"

enum {
    TICK_MS = 2000,       /* how often it tells, unless a watchdog wants more */
    LATE_MS_LEAST = 3000, /* workers beat once a second */
};

/* A worker that was just started has a beat, too. */
static bool
all_beat(const struct manager *m)
{
    uint64_t now_ms = clock_ms();
    uint64_t late_ms = 2 * notify_watchdog_ms();

    if (late_ms < LATE_MS_LEAST)
        late_ms = LATE_MS_LEAST;
    for (unsigned i = 0; i < m->workers; i++) {
        uint64_t beat_ms =
            atomic_load(&m->board->workers[m->numbers[i]].heartbeat_ms);

        if (beat_ms + late_ms < now_ms)
            return false;
    }
    return true;
}

static void
count_servers(const struct board *b, unsigned *up, unsigned *all)
{
    *up = *all = 0;
    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (row_text(&b->servers[i].name).p == NULL ||
            atomic_load(&b->servers[i].removed))
            continue;
        (*all)++;
        if (atomic_load(&b->servers[i].up))
            (*up)++;
    }
}

/* "31 connections, 3 of 4 servers up" */
static void
tell_status(struct manager *m)
{
    char text[MANAGER_TEXT_MAX];
    unsigned up;
    unsigned all;

    count_servers(m->board, &up, &all);
    (void)snprintf(text, sizeof(text),
                   "%" PRIu32 " connections, %u of %u "
                   "servers up",
                   slot_count(m->board, board_global_slot()), up, all);
    if (strcmp(text, m->status) == 0)
        return;
    memcpy(m->status, text, sizeof(text));
    notify_status("%s", text);
}

static void
on_tick(struct timer *timer)
{
    struct manager *m = container_of(timer, struct manager, tick);

    if (notify_watchdog_ms() > 0 && all_beat(m))
        notify_watchdog();
    if (m->ready && !m->reloading)
        tell_status(m);
    loop_start_timer(m->loop, timer, m->tick_ms);
}

void
manager_start(struct manager *m, struct loop *loop, const struct board *board,
              const unsigned *numbers, unsigned workers)
{
    uint64_t watchdog_ms = notify_watchdog_ms();

    if (!notify_is_wanted())
        return;
    *m = (struct manager){
        .loop = loop,
        .board = board,
        .numbers = numbers,
        .workers = workers,
        .tick_ms =
            watchdog_ms > 0 && watchdog_ms < TICK_MS ? watchdog_ms : TICK_MS,
    };
    timer_init(&m->tick, on_tick);
    loop_start_timer(loop, &m->tick, m->tick_ms);
}

void
manager_stop(struct manager *m)
{
    if (m->loop != NULL)
        timer_stop(&m->tick);
    m->loop = NULL;
}

void
manager_ready(struct manager *m)
{
    if (m->loop == NULL)
        return;
    m->ready = true;
    notify_ready();
    tell_status(m);
}

void
manager_reloading(struct manager *m)
{
    if (m->loop == NULL || !m->ready)
        return;
    m->reloading = true;
    notify_reloading();
}

void
manager_reloaded(struct manager *m, bool busy)
{
    if (!m->reloading || busy)
        return;
    m->reloading = false;
    m->status[0] = '\0';
    manager_ready(m);
}

void
manager_stopping(struct manager *m)
{
    if (m->loop == NULL)
        return;
    m->ready = false;
    m->reloading = false;
    notify_stopping();
}
