/* SPDX-License-Identifier: MIT */
/*
 * Kernel pipes through which bulk flows from socket to socket without being
 * copied (splice(2)).  They are kept in a list of the process and lent to
 * whoever has bytes under way; a flow that waits for its source has none.
 *
 *      socket ─▶ stream_splice_in ─▶ [ held bytes ] ─▶ stream_splice_out ─▶
 *
 * What is in a pipe are the socket's own pages, so one that still holds some is
 * never lent again: it is closed.
 */
#ifndef NET_CONDUIT_H
#define NET_CONDUIT_H

#include <stddef.h>

#include "net/loop.h"

enum {
    CONDUIT_SIZE = 256 << 10, /* bytes that one should hold; the kernel may
                                 give fewer (pipe(7), pipe-user-pages-soft) */
    CONDUITS_MAX = 64,        /* of a process, two descriptors each */
    CONDUIT_LOOK_MS = 1000,   /* how often unused ones are closed */
};

struct conduit {
    struct conduit *next; /* in the pool */
    int out;              /* where bytes come out of it */
    int in;               /* where they go in */
    size_t held;          /* bytes in it */
};

struct conduit_pool {
    struct loop *loop;
    struct conduit *free;
    unsigned count;      /* lent ones included */
    unsigned free_count; /* of `free` */
    unsigned unused;     /* the fewest that were free since the last look */
    struct timer look;
};

void conduit_pool_init(struct conduit_pool *pool, struct loop *loop);

/* Closes those that were given back; all should be by then, and LOOP goes
 * later. */
void conduit_pool_fini(struct conduit_pool *pool);

/* An empty one, or NULL when there are CONDUITS_MAX or no descriptors: the
 * caller copies instead. */
struct conduit *conduit_take(struct conduit_pool *pool);

/* Gives it back; NULL does nothing. */
void conduit_give(struct conduit_pool *pool, struct conduit *conduit);

#endif
