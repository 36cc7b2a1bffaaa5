/* SPDX-License-Identifier: MIT */
/*
 * The board in the columns of HAProxy's statistics as CSV (management.txt of
 * 2.6, 9.1), so that what collects them there collects them here: a line for
 * each section (FRONTEND), each server, and each upstream (BACKEND). A column
 * for which there is nothing here is empty.
 */
#ifndef BOARD_RENDER_CSV_H
#define BOARD_RENDER_CSV_H

#include "base/buf.h"

struct board;

void render_csv(struct buf *out, const struct board *b);

#endif
