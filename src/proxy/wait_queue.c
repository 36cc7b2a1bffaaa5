/* SPDX-License-Identifier: MIT */
#include "proxy/wait_queue.h"

#include <stdlib.h>

#include "board/board.h"
#include "proxy/engine.h"

static void
on_turns(struct deferred *deferred)
{
    wait_queue_run(container_of(deferred, struct engine, turns));
}

void
wait_queue_attach(struct engine *engine)
{
    size_t entries = engine->board->header->limits.entries;

    /* Pages of it that are never used cost nothing. */
    engine->waiters = xcalloc(entries + 1, sizeof(*engine->waiters));
    deferred_init(&engine->turns, on_turns);
}

static void
on_again(struct timer *timer)
{
    wait_queue_settle(container_of(timer, struct wait_queue, again));
}

void
wait_queue_init(struct wait_queue *q, struct engine *engine, int upstream,
                unsigned count)
{
    *q = (struct wait_queue){
        .engine = engine,
        .upstream = upstream,
        .rows = xcalloc(count, sizeof(*q->rows)),
        .count = count,
    };
    list_init(&q->waiters);
    timer_init(&q->again, on_again);
}

void
wait_queue_fini(struct wait_queue *q)
{
    timer_stop(&q->again);
    free(q->rows);
    q->rows = NULL;
}

static void
settle_later(struct wait_queue *q)
{
    if (!timer_is_running(&q->again))
        loop_start_timer(q->engine->loop, &q->again, QUEUE_PACE_MS);
}

static bool
is_empty(const struct wait_queue *q)
{
    const struct board *board = q->engine->board;

    if (queue_of_upstream(board, q->upstream) > 0)
        return false;
    for (unsigned i = 0; i < q->count; i++) {
        if (queue_of_server(board, q->rows[i]) > 0)
            return false;
    }
    return true;
}

void
wait_queue_settle(struct wait_queue *q)
{
    struct engine *engine = q->engine;
    struct queue_settled settled;

    if (is_empty(q))
        return;
    settled = queue_settle(engine->board, q->upstream, q->rows, q->count,
                           engine->worker);
    if (settled.own)
        loop_defer(engine->loop, &engine->turns);
    /* Whoever has someone in the queue sees to the next portion. */
    if (settled.paced && !list_empty(&q->waiters))
        settle_later(q);
}

void
wait_queue_shake(struct wait_queue *q, int server)
{
    struct list unshaken;
    struct list *node;

    /* One that waits for something else from now on is in the list anew. */
    list_move_all(&unshaken, &q->waiters);
    while ((node = list_take_first(&unshaken)) != NULL) {
        struct waiter *w = container_of(node, struct waiter, link);

        list_add_tail(&q->waiters, node);
        if (server == BOARD_NONE || w->server == server)
            w->on_turn(w);
    }
}

void
wait_queue_run(struct engine *engine)
{
    int entry;

    while ((entry = queue_next_granted(engine->board, engine->worker)) !=
           BOARD_NONE) {
        struct waiter *w = engine->waiters[entry];

        if (w == NULL)
            continue;
        w->granted = true;
        w->on_turn(w);
    }
}

void
waiter_init(struct waiter *w, waiter_fn on_turn)
{
    *w = (struct waiter){.entry = BOARD_NONE, .on_turn = on_turn};
    list_init(&w->link);
}

int
waiter_enter(struct waiter *w, struct wait_queue *q, int server,
             int32_t priority, uint32_t *ahead)
{
    struct engine *engine = q->engine;
    const struct queue_place place = {
        .upstream = q->upstream,
        .server = server,
        .worker = engine->worker,
        .priority = priority,
    };

    w->entry = queue_enter(engine->board, &place, ahead);
    if (w->entry == BOARD_NONE)
        return -1;
    w->queue = q;
    w->server = server;
    w->granted = false;
    engine->waiters[w->entry] = w;
    list_add_tail(&q->waiters, &w->link);
    wait_queue_settle(q);
    return 0;
}

/* What was granted is gone, or never was for this one. If nobody gives a slot
 * back, since the policy or the roster sees what the queue does not, it is
 * asked again later. */
void
waiter_stay(struct waiter *w)
{
    if (!w->granted)
        return;
    w->granted = false;
    queue_return(w->queue->engine->board, w->entry);
    settle_later(w->queue);
}

void
waiter_leave(struct waiter *w, enum queue_end why)
{
    struct engine *engine;

    if (!waiter_waits(w))
        return;
    engine = w->queue->engine;
    queue_leave(engine->board, w->entry, why);
    engine->waiters[w->entry] = NULL;
    w->entry = BOARD_NONE;
    w->granted = false;
    list_remove(&w->link);
    if (why != QUEUE_SERVED)
        wait_queue_settle(w->queue);
}
