/* SPDX-License-Identifier: MIT */
/*
 * The last messages that were not understood (captures.h), as HAProxy's "show
 * errors" has them.
 */
#ifndef BOARD_RENDER_ERRORS_H
#define BOARD_RENDER_ERRORS_H

#include "base/buf.h"
#include "board/render.h"

void render_errors(struct buf *out, const struct board *b,
                   enum render_format format);

#endif
