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

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct board;
struct board_limits;

enum {
    HISTORY_KEPT = 180,
    HISTORY_STEP_MS = 1000,   /* between two calls of history_step */
    HISTORY_SAMPLE_STEPS = 5, /* of which one takes a sample */
    HISTORY_SERVERS_MAX = 1024,
};

enum history_kind {
    HISTORY_ALL,
    HISTORY_SECTION,
    HISTORY_UPSTREAM,
    HISTORY_SERVER,
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

/* How many series a board of these limits has. */
size_t history_series_count(const struct board_limits *limits);

/* By control, each HISTORY_STEP_MS. */
void history_step(struct board *b);

/* The series of row ROW (of HISTORY_ALL: 0); NULL: it has none. */
const struct history_series *
history_of(const struct board *b, enum history_kind kind, int row);

/* The samples that a reader may look at: numbers FROM to before TO. */
struct history_span {
    uint64_t from;
    uint64_t to;
};

struct history_span
history_span(const struct board *b, const struct history_series *series);

/* All series as one JSON object; every array of numbers goes with times_ms,
 * those of a younger row being shorter and ending with it. */
void render_history_json(struct buf *out, const struct board *b);

#endif
