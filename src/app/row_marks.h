/* SPDX-License-Identifier: MIT */
/*
 * Which rows of the board were there before another program began to add to
 * it; so that those it leaves behind when it fails can be removed.
 */
#ifndef APP_ROW_MARKS_H
#define APP_ROW_MARKS_H

#include <stdbool.h>

struct board;

struct row_marks {
    bool *upstreams; /* [row] it was there; NULL: nothing is marked */
    bool *servers;
    bool *sections;
};

/* Marks what is there now. -1: no memory. */
int row_marks_take(struct row_marks *m, const struct board *board);

/* Removes what has come since, which no process uses any more, and forgets. */
void row_marks_restore(struct row_marks *m, struct board *board);

void row_marks_fini(struct row_marks *m);

#endif
