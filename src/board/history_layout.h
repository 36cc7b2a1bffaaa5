/* SPDX-License-Identifier: MIT */
/*
 * How history (history.h) lies in the memory of the board.
 */
#ifndef BOARD_HISTORY_LAYOUT_H
#define BOARD_HISTORY_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "board/rows.h"

enum {
    HISTORY_KEPT = 180,
    HISTORY_STEP_MS = 1000,   /* between two calls of history_step */
    HISTORY_SAMPLE_STEPS = 5, /* of which one takes a sample */
    HISTORY_SERVERS_MAX = 1024,
};

struct history_sample {
    _Atomic uint32_t sessions; /* open then */
    _Atomic uint32_t queue;    /* waiting then */
    _Atomic uint32_t requests; /* a second, times 10, since the one before */
    _Atomic uint32_t errors;   /* likewise */
};

/* What has been counted until some moment. */
struct history_mark {
    uint64_t requests;
    uint64_t errors;
};

/* What there is now, of one row or several. */
struct history_now {
    uint32_t sessions;
    uint32_t queue;
    struct history_mark mark;
};

struct history_series {
    uint64_t name_hash;     /* whose it is; 0: nobody's yet */
    _Atomic uint64_t first; /* number of its first sample */
    struct history_mark step;
    struct history_mark sample;
    struct history_now gathered; /* of an upstream's servers, by one step */
    _Atomic uint32_t sessions_max;
    _Atomic uint32_t rate_max; /* requests in one second */
    struct history_sample samples[HISTORY_KEPT];
};

struct history_table {
    _Atomic uint64_t count; /* samples that are whole */
    uint32_t steps;         /* since the last one */
    uint32_t queue;         /* of all upstreams, by one step */
    uint64_t step_ms;       /* monotonic, of the last step; 0: there was none */
    uint64_t sample_ms;
    _Atomic uint64_t times[HISTORY_KEPT]; /* wall time */
};

/* Of how many servers there is history. */
static inline unsigned
history_servers(const struct board_limits *n)
{
    return n->servers < HISTORY_SERVERS_MAX ? n->servers : HISTORY_SERVERS_MAX;
}

/* How many series a board of these limits has. */
static inline size_t
history_series_count(const struct board_limits *n)
{
    return (size_t)1 + n->sections + n->upstreams + history_servers(n);
}

#endif
