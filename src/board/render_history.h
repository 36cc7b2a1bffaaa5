/* SPDX-License-Identifier: MIT */
#ifndef BOARD_RENDER_HISTORY_H
#define BOARD_RENDER_HISTORY_H

#include "base/buf.h"

struct board;

/* All series as one JSON object; every array of numbers goes with times_ms,
 * those of a younger row being shorter and ending with it. */
void render_history_json(struct buf *out, const struct board *b);

#endif
