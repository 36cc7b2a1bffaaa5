/* SPDX-License-Identifier: MIT */
/*
 * What scripts have done, by their hooks: script_counters[worker, control]
 * [hook][script]. Of a hook that no script has, no page of this is ever
 * touched, and so there is none.
 */
#ifndef BOARD_SCRIPT_COUNTS_H
#define BOARD_SCRIPT_COUNTS_H

#include <stdbool.h>

#include "board/rows.h"

/* By whoever is to call this hook of the script: from now on it has counts.
 * NAME is the same each time. */
void
script_counts_use(struct board *b, int row, unsigned hook, const char *name);

/* Has it? */
bool script_counts_has(const struct board *b, int row, unsigned hook);

/* By the master, before the row is removed: a new one has no counts. */
void script_counts_clear(struct board *b, int row);

/* The row of a worker, or of control (board_control_number), whose hook has
 * counts. */
struct script_counters *
script_counts_row(const struct board *b, unsigned worker, unsigned hook,
                  int row);

/* What a script, or one hook of it, has done in all processes. */
void script_counts_sum_all(const struct board *b, int row,
                           struct script_totals *out);
void script_counts_sum(const struct board *b, int row, unsigned hook,
                       struct script_totals *out);

/* Adds how long a hook took in all processes to SUM. */
void script_counts_times(const struct board *b, int row, unsigned hook,
                         struct times_sum *sum);

#endif
