/* SPDX-License-Identifier: MIT */
/*
 * What the table of metrics is made of, for metric.c and for those who show it.
 */
#ifndef BOARD_METRIC_LAYOUT_H
#define BOARD_METRIC_LAYOUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "board/metric_conf.h"

struct metric_text {
    uint8_t len;
    char text[METRIC_VALUE_MAX];
};

struct metric_family {
    uint8_t kind; /* enum metric_kind */
    uint8_t label_count;
    uint8_t bound_count;
    uint8_t help_len;
    char help[METRIC_HELP_MAX];
    struct metric_text name;
    struct metric_text labels[METRIC_LABELS_MAX];
    double bounds[METRIC_BOUNDS_MAX];
    uint32_t series_max;   /* 0: no limit of its own */
    uint32_t series_count; /* under the mutex */
};

struct metric_series {
    uint32_t family;
    uint32_t hash;
    uint32_t chain; /* 1 + the next series of the same chain; 0: the last */
    uint32_t cell;  /* its first one */
    struct metric_text values[METRIC_LABELS_MAX];
};

enum {
    METRIC_CHAINS = 1024, /* a power of two */
};

struct metric_table {
    pthread_mutex_t mutex; /* of adding */
    uint32_t series_max;
    uint32_t actors;
    _Atomic uint32_t top; /* actors from there on have no numbers, but for the
                             last one */
    _Atomic uint32_t family_count; /* those before it do not change */
    _Atomic uint32_t series_count;
    _Atomic uint64_t dropped; /* numbers that had no series */
    uint32_t chains[METRIC_CHAINS];
    _Alignas(64) struct metric_family families[METRIC_FAMILIES_MAX];
    struct metric_series series[];
};

/* How many cells a series of the family has. */
static inline unsigned
metric_cell_count(const struct metric_family *family)
{
    return family->kind == METRIC_HISTOGRAM ? family->bound_count + 2u : 1;
}

#endif
