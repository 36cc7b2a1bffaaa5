/* SPDX-License-Identifier: MIT */
/*
 * The commands of the control socket.
 */
#ifndef APP_CONTROL_COMMAND_H
#define APP_CONTROL_COMMAND_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct board;

/* Runs the command that LINE (without a newline) is, and appends its answer:
 * "ok" on a line and the result, or "error" with the reason. WHO asks is for
 * the log of what is changed. True: what it appended is for the master, who
 * will answer. */
bool control_command_run(struct buf *answer, struct board *board,
                         struct str line, const char *who);

#endif
