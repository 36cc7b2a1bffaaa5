/* SPDX-License-Identifier: MIT */
/*
 * In what two configurations differ: what a reload cannot change, which rows
 * are gone, and how it is told.
 */
#ifndef APP_RELOAD_CHANGES_H
#define APP_RELOAD_CHANGES_H

#include <stdbool.h>

#include "app/rows.h"
#include "base/buf.h"

struct faults;
struct resources;

/* Adds a fault for each key of NOW that only new processes can serve. */
void reload_refuse_changes(const struct resources *r, const struct config *now,
                           struct faults *faults);

typedef void (*reload_row_fn)(void *arg, const struct rows_one *row,
                              bool is_gone);

/* Calls FN for every row of BEFORE that NOW has no more, and for every one that
 * it has. */
void reload_each_row(struct board *board, const struct config *before,
                     const struct config *now, reload_row_fn fn, void *arg);

/* "server php/node4: added", a line each. */
void reload_tell_changes(struct buf *out, const struct config *before,
                         const struct config *now);

#endif
