/* SPDX-License-Identifier: MIT */
/*
 * How long something took, as a histogram: buckets of 8 ns up to 64 ns, and
 * from there on eight to each power of two, as HDR histograms have them. So a
 * quantile is off by a sixteenth at most, or by 4 ns, from 0 to 8 s.
 *
 *     ns  0 8 .. 56 | 64 72 .. 120 | 128 144 .. 240 | 256 288 .. 480 | ...
 *
 * One process writes it, others read it meanwhile.
 */
#ifndef BOARD_TIMES_H
#define BOARD_TIMES_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    TIMES_UNIT_BITS = 3, /* the first buckets have 2^3 ns each */
    TIMES_STEP_BITS = 3, /* a power of two has 2^3 buckets */
    TIMES_BUCKETS = 224, /* the last one has all from 8 s on */
};

struct times {
    _Atomic uint64_t max_ns;
    _Atomic uint32_t counts[TIMES_BUCKETS];
};

/* Those of several, added up. */
struct times_sum {
    uint64_t count; /* of all buckets */
    uint64_t max_ns;
    uint64_t counts[TIMES_BUCKETS];
};

/* Counts WEIGHT calls of that time. Before a bucket overflows all are halved:
 * their proportions stay, and what was long ago counts less. */
void times_add(struct times *t, uint64_t ns, uint32_t weight);

/* One call took at least so long: only the longest time may change. */
void times_raise(struct times *t, uint64_t ns);

/* Adds FROM to SUM, which is all zero at first. */
void times_sum(struct times_sum *sum, const struct times *from);

/* The time that SHARE (above 0, up to 1) of the calls took at most; 0 without
 * any. */
uint64_t times_quantile(const struct times_sum *sum, double share);

#endif
