/* SPDX-License-Identifier: MIT */
/*
 * What is said of a metric (metric.h), and the limits of metrics.
 */
#ifndef BOARD_METRIC_CONF_H
#define BOARD_METRIC_CONF_H

#include "base/str.h"

enum {
    METRIC_FAMILIES_MAX = 256,
    METRIC_SERIES_MAX = 4096, /* of all families together */
    METRIC_SERIES_CELLS = 8,  /* cells for each series there may be */
    METRIC_NAME_MAX = 63,     /* bytes of a name, of a label's too */
    METRIC_HELP_MAX = 255,
    METRIC_LABELS_MAX = 6,
    METRIC_VALUE_MAX = 63,  /* bytes of a label's value; longer are cut */
    METRIC_BOUNDS_MAX = 24, /* of a histogram, without +Inf */
    METRIC_NONE = -1,
};

enum metric_kind {
    METRIC_COUNTER,   /* one cell */
    METRIC_GAUGE,     /* one cell, which ends with its worker */
    METRIC_HISTOGRAM, /* one a bound, one above all, and the sum */
};

/* What a family is. */
struct metric_conf {
    enum metric_kind kind;
    struct str name;
    struct str help;
    unsigned label_count;
    struct str labels[METRIC_LABELS_MAX];
    unsigned bound_count; /* of a histogram */
    double bounds[METRIC_BOUNDS_MAX];
    unsigned series_max; /* of this family: what clients name must not take the
                            room of the others; 0: as many as there is room */
};

/* The values of a family's labels, in their order. */
struct metric_values {
    struct str at[METRIC_LABELS_MAX];
};

#endif
