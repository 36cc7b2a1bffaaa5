/* SPDX-License-Identifier: MIT */
/*
 * The MySQL sessions whose commands are followed, as text and as JSON: who they
 * are, where they are, and what they do.
 */
#ifndef BOARD_RENDER_SESSIONS_H
#define BOARD_RENDER_SESSIONS_H

#include "board/render.h"

/* Every seat that is taken (seats.h), worker by worker. */
void render_sessions(struct buf *out, const struct board *b,
                     enum render_format format);

#endif
