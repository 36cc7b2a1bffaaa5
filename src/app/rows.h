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

/* Makes a board for CONFIG and so many workers, with room for what a later
 * configuration may add. NULL with errno. */
struct board *
rows_open_board(const struct config *config, unsigned workers) MUST_CHECK;

/* Puts on it what ADDRESSES knows of the servers of CONFIG. */
void rows_set_addresses(struct board *board, const struct config *config,
                        const struct addresses *addresses);

#endif
