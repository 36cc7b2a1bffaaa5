/* SPDX-License-Identifier: MIT */
/*
 * Where connections to servers and the workers' memory are (pools.h).
 */
#ifndef BOARD_RENDER_POOLS_H
#define BOARD_RENDER_POOLS_H

#include "base/buf.h"
#include "board/render.h"

void
render_pools(struct buf *out, const struct board *b, enum render_format format);

#endif
