/* SPDX-License-Identifier: MIT */
/*
 * Going to the background. The process that was started waits until the one
 * that goes on has all its children serving, or has failed, and ends with the
 * status that tells which.
 *
 *     started ── fork ──▶ opens, starts, serves ──┐
 *        waits ◀────────────── a byte, or the end ┘
 */
#ifndef APP_DAEMON_H
#define APP_DAEMON_H

#include <stdbool.h>

#include "base/mem.h"

/* Returns in the new process, which has a session of its own and still the
 * standard error of the old one. FILE is the configuration's path: with a
 * relative one the working folder is kept, else it is the root. 0, or -1 with
 * errno. */
int daemon_start(const char *file) MUST_CHECK;

/* Is this the process that daemon_start has made, or a child of it? */
bool daemon_is_on(void);

/* All serve: lets the waiting process end, and standard input, output and error
 * with it. Does nothing where there is none. */
void daemon_ready(void);

/* Tells whoever waits why it ends, a line. */
void daemon_fail(const char *why);

/* The same in a child, which has no say in that. */
void daemon_leave_terminal(void);

#endif
