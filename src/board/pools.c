/* SPDX-License-Identifier: MIT */
#include "board/pools.h"

void
pools_set(struct board *b, unsigned worker, enum pool_kind kind, uint32_t used,
          uint32_t spare, uint32_t size)
{
    struct pool_row *row = pools_row(b, worker, kind);

    atomic_store_explicit(&row->used, used, memory_order_relaxed);
    atomic_store_explicit(&row->spare, spare, memory_order_relaxed);
    atomic_store_explicit(&row->size, size, memory_order_relaxed);
}

void
pools_set_kept(struct board *b, unsigned worker, int upstream, uint32_t kept)
{
    atomic_store_explicit(
        &b->kept[worker * b->header->limits.upstreams + (unsigned)upstream],
        kept, memory_order_relaxed);
}

void
pools_forget(struct board *b, unsigned worker)
{
    for (unsigned kind = 0; kind < POOL_KIND_COUNT; kind++)
        pools_set(b, worker, (enum pool_kind)kind, 0, 0, 0);
    for (unsigned i = 0; i < b->header->limits.upstreams; i++)
        pools_set_kept(b, worker, (int)i, 0);
}
