/* SPDX-License-Identifier: MIT */
/*
 * The generations of the program that are there: more than one while an older
 * one ends its sessions after an upgrade.
 */
#ifndef BOARD_RENDER_GENERATIONS_H
#define BOARD_RENDER_GENERATIONS_H

#include "base/buf.h"
#include "board/rows.h"

/* A table, the oldest first; nothing as long as there is one. */
void generations_text(struct buf *out, const struct board *b);

/* ,"generations":[...] */
void generations_json(struct buf *out, const struct board *b);

#endif
