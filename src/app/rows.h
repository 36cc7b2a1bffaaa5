/* SPDX-License-Identifier: MIT */
/*
 * The board of a configuration: a row for every upstream, server, section and
 * script, filled with what the administrator wrote.
 */
#ifndef APP_ROWS_H
#define APP_ROWS_H

#include "config/model.h"

struct addresses;
struct board;

/* Makes a board for CONFIG and so many workers, none of which is there yet,
 * with room for what a later configuration may add. NULL with errno. */
struct board *
rows_open_board(const struct config *config, unsigned workers) MUST_CHECK;

/* Adds to the board the rows of CONFIG that are not there. What is there stays
 * as it is, since older processes go by it. -1 with errno. */
int rows_add(struct board *board, const struct config *config) MUST_CHECK;

/* All rows of CONFIG, which are there, are as it says from now on. What has
 * come about since (up, drained, counts) stays as it is. */
void rows_apply(struct board *board, const struct config *config,
                const struct addresses *addresses);

/* Puts on it what ADDRESSES knows of the servers of CONFIG. */
void rows_set_addresses(struct board *board, const struct config *config,
                        const struct addresses *addresses);

#endif
