/* SPDX-License-Identifier: MIT */
/*
 * Queues of work that waits for a server: one an upstream, for work that any of
 * its servers may do, and one a server, for work that is meant for that one.
 * First come, first served over all workers, smaller priorities before.
 *
 *     queue_enter ─▶ waiting ─▶ granted ─▶ queue_leave
 *                      ▲  │        │
 *                      └──┼────────┘ queue_return: no slot was left after all
 *                         └──▶ queue_leave: timed out, the client has left
 *
 * A grant says "try now": whoever gives a slot back, enters, or sees a server
 * come up settles the queue, which grants as many entries, the first ones, as
 * there are free slots, and wakes their workers. An entry keeps its place until
 * it has left, and whoever comes new waits behind it, so nobody is overtaken; a
 * slot that is gone when the granted entry asks for it costs it nothing.
 *
 * All queues lie in one table under one robust mutex: when a worker is killed
 * in the middle of a change, the next one who locks makes the queues again from
 * the entries, whose `state` is written last when they come and first when they
 * go. Entries of one queue are a pairing heap (Fredman, Sedgewick, Sleator and
 * Tarjan 1986): entering takes a constant number of steps, leaving their
 * logarithm.
 *
 * No grant is missed: an entry is counted before its worker looks at the slots,
 * and whoever gives a slot back does so before it looks at the count.
 */
#ifndef BOARD_QUEUE_H
#define BOARD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "board/rows.h"

enum {
    QUEUE_ENTRIES_MAX = 1 << 20, /* of all queues together */
    QUEUE_PACE_MS = 16,          /* between the portions of a paced release */
    QUEUE_PATIENCE_MS = 100,     /* of the master for the lock */
};

/* Who waits, for what. */
struct queue_place {
    int upstream; /* row */
    int server;   /* row; BOARD_NONE: any of the upstream's */
    unsigned worker;
    int32_t priority; /* smaller goes first */
};

/* Makes the mutex and empty queues; by the master. 0, or an errno. */
int queue_init(struct board *b) __attribute__((warn_unused_result));

/* Waits for a turn: the entry's number, or BOARD_NONE when all are taken.
 * *AHEAD is how many wait there already. Follow it with queue_settle. */
int
queue_enter(struct board *b, const struct queue_place *place, uint32_t *ahead);

/* A granted entry waits on at its old place. */
void queue_return(struct board *b, int entry);

/* Why an entry leaves. */
enum queue_end {
    QUEUE_SERVED,   /* it has a slot */
    QUEUE_EXPIRED,  /* it has waited for too long */
    QUEUE_GIVEN_UP, /* whom it was for has left, or there is no hope */
};

/* The entry is done with, be it waiting or granted. Unless it was served, a
 * queue_settle follows. */
void queue_leave(struct board *b, int entry, enum queue_end why);

/* What a settling came to. */
struct queue_settled {
    bool own;   /* entries of the caller's worker were granted */
    bool paced; /* settle again after QUEUE_PACE_MS */
};

/* Grants as many entries of this upstream's queues as have room. ROWS are those
 * of its COUNT servers. WORKER, the caller, is not woken, but told. Servers
 * without a maxconn have room for all, who are let go in portions. */
struct queue_settled
queue_settle(struct board *b, int upstream, const int *rows, unsigned count,
             unsigned worker);

/* The next granted entry of WORKER that it has not been told of; BOARD_NONE:
 * there is no other. */
int queue_next_granted(struct board *b, unsigned worker);

/* Takes out all entries of a worker that has died. -1 with ETIMEDOUT: somebody,
 * stopped in the middle of it, has held the lock for QUEUE_PATIENCE_MS. */
int queue_forget_worker(struct board *b, unsigned worker)
    __attribute__((warn_unused_result));

/* How many wait for any of an upstream's servers, and for that very server;
 * those that have been granted and not left are among them. */
static inline uint32_t
queue_of_upstream(const struct board *b, int upstream)
{
    return atomic_load(&b->queues[upstream].waiting);
}

static inline uint32_t
queue_of_server(const struct board *b, int server)
{
    return atomic_load(
        &b->queues[b->header->limits.upstreams + (unsigned)server].waiting);
}

#endif
