/* SPDX-License-Identifier: MIT */
/*
 * What control hands on to the master when a client asks for what only the
 * master can do. (What is asked about scripts has a form of its own:
 * script_request.h.)
 */
#ifndef APP_MASTER_REQUEST_H
#define APP_MASTER_REQUEST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

struct master_request {
    struct str verb;      /* the command's first word */
    bool json;            /* the answer is for a program */
    struct str arguments; /* its other words, a blank between them */
    struct str who;       /* asks, for the log */
};

/* The request as the text of a message; no part of it has a newline. */
void master_request_write(struct buf *out, const struct master_request *r);

/* Reads such a text, into which *OUT points then; -1: it is none. */
int master_request_read(struct master_request *out, struct str text) MUST_CHECK;

#endif
