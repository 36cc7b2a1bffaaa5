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

/* The same in parts, since there may be many: looks at ROWS more at most, from
 * where AT says, and moves it on. false: that was the last part. */
bool render_sessions_part(struct buf *out, const struct board *b,
                          enum render_format format, struct render_place *at,
                          unsigned rows);

#endif
