/* SPDX-License-Identifier: MIT */
/*
 * What the program as a whole uses and may use, for the outputs: its processes'
 * CPU time and memory, rates, limits, and the level of the log, which all
 * processes look at here, so that it changes in all of them at once.
 */
#ifndef BOARD_USAGE_H
#define BOARD_USAGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "board/rows.h"

struct process_usage {
    _Atomic int32_t pid; /* 0: not running */
    _Atomic uint64_t cpu_ms;
    _Atomic uint64_t rss_bytes; /* resident; what is shared counts in each */
};

/* Things that come by the second, and the most that ever came. */
struct usage_rate {
    _Atomic uint32_t now;
    _Atomic uint32_t most;
};

enum usage_process {
    USAGE_MASTER,
    USAGE_CONTROL,
    USAGE_WORKER, /* the first one */
    USAGE_PROCESSES = USAGE_WORKER + BOARD_WORKERS_MAX,
};

struct usage_table {
    /* By the master. */
    _Atomic uint8_t log_level;      /* 1 + an enum log_level that was set;
                                       0: as configured */
    _Atomic uint8_t log_configured; /* the lowest level that is configured */
    _Atomic uint32_t max_connections;
    _Atomic uint64_t max_descriptors; /* of a process */
    struct usage_rate connections;
    struct usage_rate requests;
    struct process_usage processes[USAGE_PROCESSES];
    /* By everyone. */
    _Alignas(64) _Atomic uint32_t most_connections; /* at once */
};

/* By a worker that has taken a slot of the whole program: NOW are taken. */
static inline void
usage_note_connections(struct usage_table *u, uint32_t now)
{
    uint32_t most =
        atomic_load_explicit(&u->most_connections, memory_order_relaxed);

    while (now > most && !atomic_compare_exchange_weak_explicit(
                             &u->most_connections, &most, now,
                             memory_order_relaxed, memory_order_relaxed))
        continue;
}

/* By the master: COUNT things have come in MS. */
void usage_set_rate(struct usage_rate *rate, uint64_t count, uint64_t ms);

#endif
