/* SPDX-License-Identifier: MIT */
#include "board/changes.h"

void
changes_note(struct board *b, int row)
{
    struct upstream_row *upstream = &b->upstreams[b->servers[row].upstream];
    uint64_t n = atomic_fetch_add_explicit(&upstream->change_count, 1,
                                           memory_order_acq_rel);

    /* One more than n: a cell in which nothing was written is no change 0. */
    atomic_store_explicit(&upstream->changes[n % BOARD_CHANGES_KEPT],
                          (n + 1) << 16 | (uint64_t)row, memory_order_relaxed);
}

void
changes_note_state(struct board *b, int row)
{
    changes_note(b, row);
    atomic_fetch_add(&b->header->states, 1);
}

void
changes_note_all(struct board *b, int upstream)
{
    atomic_fetch_add_explicit(&b->upstreams[upstream].change_count,
                              BOARD_CHANGES_KEPT, memory_order_acq_rel);
}
