/* SPDX-License-Identifier: MIT */
/*
 * The parts of `show info` about the program as a whole (usage.h).
 */
#ifndef BOARD_RENDER_USAGE_H
#define BOARD_RENDER_USAGE_H

#include "base/buf.h"

struct board;

/* Each process's CPU time and memory, as a table or as an array behind its
 * name and a comma. */
void render_processes_text(struct buf *out, const struct board *b);
void render_processes_json(struct buf *out, const struct board *b);

/* Members of an object, each behind a comma: rates, limits, the log's level. */
void render_usage_json(struct buf *out, const struct board *b);

/* "info", and whether it was set at run time. */
const char *render_log_level(const struct board *b, bool *set);

#endif
