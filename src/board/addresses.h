/* SPDX-License-Identifier: MIT */
/*
 * What the names of servers mean now: the master puts the addresses on the
 * board at the start, control puts others there when a name means something
 * else, and workers read them before they connect.
 *
 *     version 4: sets[0] holds ── written: sets[1] ── version 5: sets[1] holds
 *
 * The writer fills the set that does not hold, then turns the version: one that
 * is killed in between leaves what was there. A reader whose version has
 * changed while it copied may have copied a set that was being filled for the
 * next version, and tries again.
 */
#ifndef BOARD_ADDRESSES_H
#define BOARD_ADDRESSES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "board/rows.h"

enum {
    ADDRESSES_PATIENCE = 64, /* copies that are tried before a read is put
                                off */
};

/* Says that the server in this row has these addresses: COUNT of them, those
 * beyond BOARD_ADDRS_MAX do not count; 0: it is not known. Nothing happens, and
 * false, if they are the ones that it has, in whatever order; otherwise the
 * change is noted (changes.h). By the master at the start, by control later. */
bool board_set_addresses(struct board *b, int row, const struct addr *addrs,
                         unsigned count);

/* Copies them to OUT, which has room for BOARD_ADDRS_MAX, and returns how many
 * there are; 0: it is not known. -1, and nothing at OUT can be used, when they
 * change faster than they are copied. */
int board_read_addresses(struct addr *out, const struct board *b, int row);

/* Changes with the addresses; whoever keeps a copy of them reads it first. */
static inline uint32_t
board_addresses_version(const struct board *b, int row)
{
    return atomic_load_explicit(&b->servers[row].addresses.version,
                                memory_order_acquire);
}

#endif
