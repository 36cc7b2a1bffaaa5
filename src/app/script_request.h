/* SPDX-License-Identifier: MIT */
/*
 * What control hands on to the master when a client asks for another version of
 * a script.
 */
#ifndef APP_SCRIPT_REQUEST_H
#define APP_SCRIPT_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"

enum script_verb {
    SCRIPT_RELOAD,   /* what its file holds now */
    SCRIPT_ROLLBACK, /* the version before */
    SCRIPT_CONFIRM,  /* the version in use is to stay */
    SCRIPT_VERBS,    /* how many there are */
};

struct script_request {
    enum script_verb verb;
    bool json;           /* the answer is for a program */
    uint64_t confirm_ms; /* of a reload: until it must be confirmed; 0: it need
                            not be */
    struct str name;     /* of the script's row */
    struct str who;      /* asks, for the log */
};

/* Sets *OUT from "reload" and so on; -1 for another word. */
int script_verb_find(enum script_verb *out, struct str word) MUST_CHECK;

/* The request as the text of a message; the name has no blanks. */
void script_request_write(struct buf *out, const struct script_request *r);

/* Reads such a text, into which *OUT points then; -1: it is none. */
int script_request_read(struct script_request *out, struct str text) MUST_CHECK;

#endif
