/* SPDX-License-Identifier: MIT */
/*
 * A question to a running program by its control socket.
 */
#ifndef APP_CTL_LINK_H
#define APP_CTL_LINK_H

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    CTL_LINK_ANSWER_MAX = 64 << 20, /* bytes */
    CTL_LINK_WHY_MAX = 256,
};

/* How `moongate ctl` ends. */
enum ctl_status {
    CTL_DONE = 0,
    CTL_REFUSED = 1, /* or it did not work */
    CTL_USAGE = 2,   /* there is no such command */
    CTL_GONE = 3,    /* nobody answers on the socket */
};

enum ctl_link_result {
    CTL_LINK_OK,      /* *OUT is the answer, without "ok" */
    CTL_LINK_REFUSED, /* *OUT says why, with a newline */
    CTL_LINK_GONE,    /* nobody answers; WHY says so */
};

struct ctl_link {
    const char *path;  /* of the socket */
    unsigned seconds;  /* to wait for an answer; 0: as the question says */
    struct buf answer; /* the whole of it */
    char why[CTL_LINK_WHY_MAX]; /* of CTL_LINK_GONE */
};

/* PATH outlives it. */
void ctl_link_init(struct ctl_link *link, const char *path);
void ctl_link_fini(struct ctl_link *link);

/* Asks COMMAND, a line without its newline, and waits for the answer; *OUT is
 * good until the next question. */
enum ctl_link_result ctl_link_ask(struct str *out, struct ctl_link *link,
                                  struct str command) MUST_CHECK;

#endif
