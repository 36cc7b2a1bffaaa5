/* SPDX-License-Identifier: MIT */
#ifndef BOARD_RENDER_EVENTS_H
#define BOARD_RENDER_EVENTS_H

#include "base/buf.h"
#include "board/render.h"

struct board;

/* All events that are kept (events.h), the newest first. */
void render_events(struct buf *out, const struct board *b,
                   enum render_format format);

#endif
