/* SPDX-License-Identifier: MIT */
/*
 * Where the memory of the workers is, and the connections that they keep to
 * servers: each worker writes its own rows once a second, the outputs read
 * them.
 *
 *     rows[worker][kind] | kept[worker][upstream]
 */
#ifndef BOARD_POOLS_H
#define BOARD_POOLS_H

#include <stdatomic.h>
#include <stdint.h>

#include "board/rows.h"

/* Kinds of objects that come from pools: a name, and what they are. */
#define POOL_KINDS(X)                                            \
    X(buffers, "I/O buffers")                                    \
    X(pipes, "Kernel pipes for bulk")                            \
    X(arrivals, "Connections whose PROXY header is awaited")     \
    X(http_connections, "HTTP clients with a request under way") \
    X(http_idle, "HTTP clients that are idle, folded up")        \
    X(exchanges, "HTTP requests")                                \
    X(sessions, "TCP and MySQL sessions")                        \
    X(server_connections, "Connections to servers, kept ones too")

enum pool_kind {
#define POOL_KIND(name, sentence) POOL_##name,
    POOL_KINDS(POOL_KIND)
#undef POOL_KIND
    POOL_KIND_COUNT,
};

struct pool_row {
    _Atomic uint32_t used;  /* objects */
    _Atomic uint32_t spare; /* objects that there is memory for */
    _Atomic uint32_t size;  /* bytes of one, without what it points to */
};

/* By the worker. */
void pools_set(struct board *b, unsigned worker, enum pool_kind kind,
               uint32_t used, uint32_t spare, uint32_t size);
void
pools_set_kept(struct board *b, unsigned worker, int upstream, uint32_t kept);

/* By the master: the worker is dead. */
void pools_forget(struct board *b, unsigned worker);

static inline struct pool_row *
pools_row(const struct board *b, unsigned worker, enum pool_kind kind)
{
    return &b->pools[worker * POOL_KIND_COUNT + (unsigned)kind];
}

/* Connections to servers of UPSTREAM that WORKER keeps and nobody uses. */
static inline uint32_t
pools_kept(const struct board *b, unsigned worker, int upstream)
{
    return atomic_load_explicit(
        &b->kept[worker * b->header->limits.upstreams + (unsigned)upstream],
        memory_order_relaxed);
}

#endif
