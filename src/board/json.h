/* SPDX-License-Identifier: MIT */
/*
 * Parts of JSON texts that all outputs of the board use.
 */
#ifndef BOARD_JSON_H
#define BOARD_JSON_H

#include "base/buf.h"

struct counter_info;

/* Writes S in quotes. */
void json_string(struct buf *out, struct str s);

/* Writes every total of a row, as members of an object that has others before
 * them. */
void json_totals(struct buf *out, const struct counter_info *infos,
                 size_t count, const void *totals);

#endif
