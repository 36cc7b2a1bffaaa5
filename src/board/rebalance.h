/* SPDX-License-Identifier: MIT */
/*
 * The rebalancing of an upstream after one of its servers came back, as all
 * workers see it: when it began, how many sessions it found, how many have been
 * retired. It is one word of the server's row, which is changed by CAS alone,
 * so whoever is killed leaves a rebalancing that the others go on with.
 *
 *     begin ─▶ { began_ms:40, retired:24 } ─▶ retired + 1 ... ─▶ end: 0
 *
 * The pace is one word of the upstream's row: from when on the next session may
 * be retired. Who moves it on may retire one.
 */
#ifndef BOARD_REBALANCE_H
#define BOARD_REBALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "board/rows.h"

enum {
    REBALANCE_RETIRED_MAX = 0xffffff, /* that are counted */
    REBALANCE_BURST_US = 50 * 1000,   /* that may be made up for, where
                                         everybody came too late */
};

struct rebalance_state {
    uint64_t began_ms; /* by clock_ms() */
    uint32_t retired;  /* sessions, by all workers */
    uint32_t sessions; /* that the upstream's servers had when it began */
};

/* Begins one for the server in ROW, unless it is under way. Did this caller
 * begin it? */
bool board_rebalance_begin(struct board *b, int row, uint32_t sessions,
                           uint64_t now_ms);

/* Is one under way? Then OUT is what there is to know of it. */
bool board_rebalance_read(const struct board *b, int row,
                          struct rebalance_state *out);

/* Ends the one that STATE was read of; of several callers one is told that it
 * did, and STATE is how it was at the end. */
bool
board_rebalance_end(struct board *b, int row, struct rebalance_state *state);

/* Counts a session that was retired, if one is under way. */
void board_rebalance_count(struct board *b, int row);

/* May one of the upstream's sessions be retired at NOW_US, INTERVAL_US apart
 * from the next one? If not, *WAIT_US is how long that takes. */
bool board_rebalance_pace(struct board *b, int upstream, uint64_t now_us,
                          uint64_t interval_us, uint64_t *wait_us);

#endif
