/* SPDX-License-Identifier: MIT */
/*
 * The board of a configuration: a row for every upstream, server, section and
 * script, filled with what the administrator wrote.
 */
#ifndef APP_ROWS_H
#define APP_ROWS_H

#include "config/model.h"

#include "board/rows.h"

struct addresses;
struct board;

/* A row, and those that were added for a configuration. */
struct rows_one {
    enum board_kind kind;
    int row;
};

struct rows_added {
    struct rows_one *rows;
    size_t count;
};

/* Makes a board for CONFIG and so many workers, with room for what a later
 * configuration may add. NULL with errno. */
struct board *
rows_open_board(const struct config *config, unsigned workers) MUST_CHECK;

/* Puts on it what ADDRESSES knows of the servers of CONFIG. */
void rows_set_addresses(struct board *board, const struct config *config,
                        const struct addresses *addresses);

/* Adds what CONFIG has and the board has not, and notes it in ADDED, which is
 * empty at first. -1 with errno: there is no room. */
int rows_add(struct board *board, const struct config *config,
             struct rows_added *added) MUST_CHECK;

/* Takes all of it away again; or only forgets that it was added. */
void rows_undo(struct board *board, struct rows_added *added);
void rows_forget(struct rows_added *added);

void rows_remove(struct board *board, const struct rows_one *one);

/* What NOW says of its servers and sections takes the place of what BEFORE
 * said; both are on the board. */
void rows_change(struct board *board, const struct config *before,
                 const struct config *now, const struct addresses *addresses);

#endif
