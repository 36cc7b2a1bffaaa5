/* SPDX-License-Identifier: MIT */
/*
 * How long servers take to answer, over all workers: a peak-sensitive average
 * that forgets, as in Finagle's peak EWMA load balancer
 * (finagle-core/.../loadbalancer/PeakEwma.scala).
 *
 *     an answer after rtt, which is dt behind the one before:
 *         average = rtt > average ? rtt : average * w + rtt * (1 - w)
 *     a reading, dt behind the last answer:
 *         average * w                                w = exp(-dt / 10 s)
 *
 * It goes up at once and comes down slowly; and what a server that is avoided
 * once did is forgotten, so that it is tried again.
 *
 * The average and its time are one word of the server's row, which any worker
 * exchanges as a whole. Time goes by in ticks: of the answers within one tick
 * only those above the average are taken in, so however many there are, the
 * word is written but some sixty times a second.
 */
#ifndef BOARD_LATENCY_H
#define BOARD_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "board/rows.h"

enum {
    LATENCY_DECAY_MS = 10000,  /* Finagle's decayTime */
    LATENCY_TICK_BITS = 4,     /* a tick is 2^4 ms */
    LATENCY_FAILURE_MS = 1000, /* what a failure counts as, at least */
    LATENCY_WEIGHTS = 1024,    /* w of so many ticks are made once */
};

/* Fills them, by the number of ticks; board_open does it. */
void latency_init(double weights[LATENCY_WEIGHTS]);

/* Takes an answer of the server in this row into its average: it took MS, and
 * came at NOW_MS, by clock_ms(). Whether that changed anything; who needs
 * others to see it in their views notes the change (changes.h). */
bool latency_add(struct board *b, int row, double ms, uint64_t now_ms);

/* The average at NOW_MS, in milliseconds; 0: there was no answer yet. */
double latency_read(const struct board *b, int row, uint64_t now_ms);

#endif
