/* SPDX-License-Identifier: MIT */
/*
 * Which process has which of the workers' rows. While a new program takes over
 * (app/upgrade.h), workers of several generations are on one board: each has a
 * number that no other has, and so rows of its own.
 *
 *     number    0  1  2  3  4  5 ... limits.workers - 1
 *     master    A  A  B  B  vacant   never touched: costs nothing
 *                              ▲ worker_top
 *
 * A number is its master's until the worker has left and what it held is given
 * back; then the next generation takes it. What was counted in its rows stays.
 */
#ifndef BOARD_NUMBERS_H
#define BOARD_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "board/rows.h"

/* Takes COUNT vacant numbers, the lowest, for workers of MASTER. -1 with
 * ENOSPC: there are not so many, and none is taken. By one master at a time. */
int numbers_claim(struct board *b, unsigned *numbers, unsigned count,
                  pid_t master) __attribute__((warn_unused_result));

/* Gives one back: its worker has left and was repaired. */
void numbers_release(struct board *b, unsigned worker);

static inline bool
numbers_is_vacant(const struct board *b, unsigned worker)
{
    return atomic_load(&b->workers[worker].vacant);
}

/* Workers of one master. */
struct generation {
    pid_t master;
    uint64_t since_ms; /* wall time */
    unsigned workers;
    uint32_t sessions; /* that are open now */
};

/* The generations that are there, the oldest first, at most MOST. */
unsigned numbers_generations(const struct board *b, struct generation *out,
                             unsigned most);

#endif
