/* SPDX-License-Identifier: MIT */
/*
 * Which servers of an upstream have changed, so that a worker with views of
 * them looks at those alone. Whoever changes what views show of a server (its
 * row, how many of its slots are taken) notes it afterwards; each reader has a
 * place of its own up to which it has read.
 *
 *     change_count = 7        changes[]  ... | 3: row 9 | 4: row 2 | 5 | 6 |
 *                                        a reader's place ^
 *
 * A note takes the next number n, then writes { n:48, row:16 } to changes[n mod
 * BOARD_CHANGES_KEPT]. A reader that does not find n where it should be, be it
 * not written for a while, never (its writer was killed in between), or
 * overwritten since, looks at all servers instead.
 *
 * What holds: who has read up to a count sees every change that was noted below
 * it. The change comes before the number in its writer (release), and the
 * reader reads the count first (acquire), the rows and slots after. A change
 * whose writer was killed before it took a number is noted by the repair, as
 * one of all servers; until then others see what was there before it.
 */
#ifndef BOARD_CHANGES_H
#define BOARD_CHANGES_H

#include <stdint.h>

#include "board/rows.h"

enum {
    CHANGES_PATIENCE = 64, /* looks at an entry that is being written, most
                              likely, just now */
};

/* Notes a change of the server in this row. */
void changes_note(struct board *b, int row);

/* The same for what workers have to look at when they are woken, not only when
 * they pick: who is in service, and at which address. */
void changes_note_state(struct board *b, int row);

/* Notes that any server of this upstream may have changed: nobody who has not
 * read up to here finds its place again. */
void changes_note_all(struct board *b, int upstream);

/* How many changes of an upstream's servers there were. */
static inline uint64_t
changes_count(const struct board *b, int upstream)
{
    return atomic_load_explicit(&b->upstreams[upstream].change_count,
                                memory_order_acquire);
}

/* The server row of change number N, which is below changes_count; BOARD_NONE:
 * it is not known, and all servers have to be looked at. */
static inline int
changes_row(const struct board *b, int upstream, uint64_t n)
{
    const _Atomic uint64_t *entry =
        &b->upstreams[upstream].changes[n % BOARD_CHANGES_KEPT];

    for (unsigned i = 0; i < CHANGES_PATIENCE; i++) {
        uint64_t change = atomic_load_explicit(entry, memory_order_relaxed);

        if (change >> 16 == (n + 1) << 16 >> 16)
            return (int)(change & 0xffff);
    }
    return BOARD_NONE;
}

#endif
