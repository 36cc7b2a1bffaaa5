/* SPDX-License-Identifier: MIT */
/*
 * Some rows of the board, so that the others can be told from them: those that
 * were there before another program began to add to it, which may fail; or
 * those of a configuration that is served now.
 */
#ifndef APP_ROW_MARKS_H
#define APP_ROW_MARKS_H

#include <stdbool.h>

#include "app/rows.h"

struct board;
struct config;

struct row_marks {
    bool *rows[BOARD_KINDS]; /* [row] it is marked; NULL: nothing is */
};

typedef void (*row_marks_fn)(void *arg, const struct rows_one *row);

static inline bool
row_marks_is_taken(const struct row_marks *m)
{
    return m->rows[0] != NULL;
}

/* Marks what is there now; or of that what CONFIG has. -1: no memory. */
int row_marks_take(struct row_marks *m, const struct board *board) MUST_CHECK;
int row_marks_take_config(struct row_marks *m, struct board *board,
                          const struct config *config) MUST_CHECK;

/* Calls FN for every row that is there and is not marked: a server before its
 * upstream. FN may remove it. */
void row_marks_each_other(const struct row_marks *m, const struct board *board,
                          row_marks_fn fn, void *arg);

/* Removes what has come since, which no process uses any more, and forgets. */
void row_marks_restore(struct row_marks *m, struct board *board);

void row_marks_fini(struct row_marks *m);

#endif
