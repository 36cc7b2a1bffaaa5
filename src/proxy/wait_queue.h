/* SPDX-License-Identifier: MIT */
/*
 * Work of this worker that waits for a server of one upstream. The queues
 * themselves are on the board, the same for all workers (board/queue.h); here
 * is who of this process stands in them, and who calls them when it is their
 * turn.
 *
 *     waiter_enter ─▶ waits ─▶ on_turn ─┬▶ waiter_leave(QUEUE_SERVED)
 *                       ▲               └▶ waiter_stay
 *                       └──────────────────────┘
 */
#ifndef PROXY_WAIT_QUEUE_H
#define PROXY_WAIT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mem.h"
#include "board/queue.h"
#include "net/loop.h"

struct engine;
struct waiter;

/* It is the waiter's turn (`granted`), or its chances have changed. The callee
 * leaves or stays before it returns. */
typedef void (*waiter_fn)(struct waiter *waiter);

struct wait_queue {
    struct engine *engine;
    int upstream;        /* row */
    int *rows;           /* of its servers */
    unsigned count;      /* of them */
    struct list waiters; /* of this worker */
    struct timer again;  /* settles once more */
};

struct waiter {
    struct wait_queue *queue;
    struct list link;
    int entry;  /* on the board; BOARD_NONE: it does not wait */
    int server; /* row of the one that it waits for; BOARD_NONE: any */
    bool granted;
    waiter_fn on_turn;
};

/* Prepares an engine for work that waits. Start-up only; engine_fini gives the
 * memory back. */
void wait_queue_attach(struct engine *engine);

/* A queue without ROWS, of which the caller sets all COUNT. Start-up only. */
void wait_queue_init(struct wait_queue *q, struct engine *engine, int upstream,
                     unsigned count);
void wait_queue_fini(struct wait_queue *q);

/* Slots have come free, or a server has come up: whose turn is it? Cheap where
 * nobody waits. */
void wait_queue_settle(struct wait_queue *q);

/* Each of this worker's who waits for SERVER (a row; BOARD_NONE: all of them)
 * is to try again without a grant: it may have no chance any more. */
void wait_queue_shake(struct wait_queue *q, int server);

/* Calls those of this worker's whose turn has come: when it was woken. */
void wait_queue_run(struct engine *engine);

void waiter_init(struct waiter *w, waiter_fn on_turn);

static inline bool
waiter_waits(const struct waiter *w)
{
    return w->entry != BOARD_NONE;
}

/* Begins to wait for SERVER (a row, or BOARD_NONE for any). *AHEAD: how many
 * were there. -1: there is no room. The turn does not come before this has
 * returned. */
int waiter_enter(struct waiter *w, struct wait_queue *q, int server,
                 int32_t priority, uint32_t *ahead) MUST_CHECK;

/* Waits on at its place. */
void waiter_stay(struct waiter *w);

/* Waits no more; one that did not is left alone. */
void waiter_leave(struct waiter *w, enum queue_end why);

#endif
