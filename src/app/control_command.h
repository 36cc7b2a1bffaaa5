/* SPDX-License-Identifier: MIT */
/*
 * The commands of the control socket.
 */
#ifndef APP_CONTROL_COMMAND_H
#define APP_CONTROL_COMMAND_H

#include <stdbool.h>

#include "app/control_table.h"
#include "base/buf.h"
#include "base/str.h"

struct board;

/* What is left to render of an answer that is long. */
struct control_rest {
    control_part_fn part; /* NULL: nothing */
    enum render_format format;
    struct render_place at;
};

/* Runs the command that LINE (without a newline) is, and appends its answer:
 * "ok" on a line and the result, or "error" with the reason. WHO asks is for
 * the log of what is changed. True: what it appended is for the master, who
 * will answer. With REST, what is long is only begun, and *REST is what is left
 * of it. */
bool control_command_run(struct buf *answer, struct control_rest *rest,
                         struct board *board, struct str line,
                         const char *who) MUST_CHECK;

/* Appends the next part of REST, if there is one. */
void control_command_more(struct buf *answer, struct control_rest *rest,
                          const struct board *board);

#endif
