/* SPDX-License-Identifier: MIT */
/*
 * What the control socket may do to a server:
 *
 *     server UPSTREAM/SERVER drain | ready | maint | weight N
 */
#ifndef APP_SERVER_COMMAND_H
#define APP_SERVER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

struct board;

/* Does what the COUNT words after "server" say, and appends the answer, as JSON
 * or not. Of what was done the log says that WHO wanted it. */
void server_command_run(struct buf *answer, struct board *board,
                        const struct str *words, size_t count, bool json,
                        const char *who);

#endif
