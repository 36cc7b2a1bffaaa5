/* SPDX-License-Identifier: MIT */
/*
 * How the last quarter of an hour was, in fixed memory on the board: sessions,
 * requests, errors and queues of the whole program, of each section and
 * upstream, and of servers (the first HISTORY_SERVERS_MAX rows), every five
 * seconds; and the most there ever was at once or in one second.
 *
 *     series: all | section[] | upstream[] | server[]
 *     sample N lies in place N % HISTORY_KEPT of each series; `count` says how
 *     many there are, and times[] when they were taken
 *
 * Control writes: it is called each second, notes what is higher than ever, and
 * takes a sample with every fifth call. What it needs for that is on the board,
 * too, so that a control process which takes the place of a dead one goes on.
 * A reader leaves out the oldest sample, which the next one is written over.
 */
#ifndef BOARD_HISTORY_H
#define BOARD_HISTORY_H

#include <stdint.h>

#include "board/history_layout.h"

struct board;

enum history_kind {
    HISTORY_ALL,
    HISTORY_SECTION,
    HISTORY_UPSTREAM,
    HISTORY_SERVER,
};

/* By control, each HISTORY_STEP_MS. */
void history_step(struct board *b);

/* The series of row ROW (of HISTORY_ALL: 0); NULL: it has none. */
const struct history_series *
history_of(const struct board *b, enum history_kind kind, int row);

/* Requests or sessions a second, of the last sample. */
uint32_t
history_rate(const struct board *b, const struct history_series *series);

/* The samples that a reader may look at: numbers FROM to before TO. */
struct history_span {
    uint64_t from;
    uint64_t to;
};

struct history_span
history_span(const struct board *b, const struct history_series *series);

#endif
