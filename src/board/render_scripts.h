/* SPDX-License-Identifier: MIT */
/*
 * The scripts of the board, as text and as JSON: what they have done, how long
 * it took them, and why one is quarantined; then the same of each of their
 * hooks.
 */
#ifndef BOARD_RENDER_SCRIPTS_H
#define BOARD_RENDER_SCRIPTS_H

#include "board/render.h"

/* Every script in use, in the order of their rows. */
void render_scripts(struct buf *out, const struct board *b,
                    enum render_format format);

#endif
