/* SPDX-License-Identifier: MIT */
/*
 * The commands of the control socket that exchange scripts: they are checked
 * here, and done by the master.
 */
#ifndef APP_SCRIPT_COMMAND_H
#define APP_SCRIPT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct board;

/* Runs the COUNT words that follow "script". False: ANSWER has the answer.
 * True: it has the request that the master is to be sent (script_request.h),
 * and answers later. */
bool script_command_run(struct buf *answer, const struct board *board,
                        const struct str *words, size_t count, bool json,
                        const char *who);

#endif
