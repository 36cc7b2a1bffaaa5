/* SPDX-License-Identifier: MIT */
/*
 * Metrics of scripts. A family has a name, a kind and the names of its labels;
 * each combination of their values is a series, and each series has some
 * numbers, its cells, in a row of each actor: the workers, and control.
 *
 *     families | series | cells[actor][METRIC_CELLS of all series]
 *
 * An actor is the only one that writes its cells, by plain stores; who reads
 * adds those of all actors. Families and series are only ever added, under a
 * robust mutex, each published by a count that goes up last. So a death leaves
 * nothing to be repaired but a list that is made again.
 */
#ifndef BOARD_METRIC_H
#define BOARD_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "board/metric_conf.h"

struct metric_table;

/* Bytes for a table; SERIES of 0 to METRIC_SERIES_MAX. */
size_t metric_size(unsigned series, unsigned actors);

/* An empty table in so many zero bytes; by the master. 0, or an errno. */
int metric_init(struct metric_table *t, unsigned series, unsigned actors)
    __attribute__((warn_unused_result));

/* The number of the family, which is added unless it is there: the help text is
 * that of the first. METRIC_NONE with errno: ENOSPC; EEXIST: the name is that
 * of another kind of family, with other labels or bounds; EINVAL: it would
 * clash with the series of a histogram. What the names must look like, the
 * caller has checked. */
int metric_open(struct metric_table *t, const struct metric_conf *conf);

/* The first cell of the series with these values, which is added unless it is
 * there; METRIC_NONE when there is no room, which is counted. Bytes that are
 * not UTF-8 become '?'. */
int metric_series(struct metric_table *t, int family,
                  const struct metric_values *values);

/* The cells of an actor. */
double *metric_cells(struct metric_table *t, unsigned actor);

/* The sum of one cell over all actors. */
/* Only ACTORS of them, and the last one, have numbers yet. */
void metric_set_top(struct metric_table *t, unsigned actors);

double metric_sum(const struct metric_table *t, uint32_t cell);

/* Sets the gauges of a worker that has died to 0; by the master. */
void metric_forget_actor(struct metric_table *t, unsigned actor);

#endif
