/* SPDX-License-Identifier: MIT */
/*
 * The board as text for people and as JSON for programs. These functions read
 * and format, nothing else; the cached clock gives the time.
 */
#ifndef BOARD_RENDER_H
#define BOARD_RENDER_H

#include <stdbool.h>

#include "base/buf.h"

struct board;

enum render_format {
    RENDER_TEXT, /* aligned columns under a heading */
    RENDER_JSON, /* one value and a newline */
};

/* Where a part of a long text ends and the next one begins; all 0 is the
 * beginning of it. */
struct render_place {
    unsigned worker;
    unsigned row;
    bool begun; /* the heading is written */
    bool any;   /* so is a row */
};

/* The program, its sections and its workers: version, uptime, connections. */
void
render_info(struct buf *out, const struct board *b, enum render_format format);

/* Every server in use, in the order of their rows. */
void render_servers(struct buf *out, const struct board *b,
                    enum render_format format);

#endif
