/* SPDX-License-Identifier: MIT */
/*
 * What a program that was started by an older one has from it (upgrade.h):
 * descriptors that are open already, and a text that says what each is.
 *
 *     MOONGATE_INHERIT=9     9 is a memfd:   moongate 1
 *                                            link 7
 *                                            socket 0 12
 *                                            socket 1 13
 *                                            socket 0 14 foreign
 *                                            board 13 5 ...
 */
#ifndef APP_INHERIT_H
#define APP_INHERIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mem.h"
#include "board/rows.h"

#define INHERIT_VARIABLE "MOONGATE_INHERIT"
#define INHERIT_FIRST    "moongate 1" /* the first line */

struct faults;

/* A listening socket. */
struct inherited_socket {
    int fd;          /* -1: it has been taken */
    unsigned column; /* which of those with this address */
    bool foreign;    /* the service manager has it, too */
    struct addr addr;
};

struct inherit {
    int link;        /* to the older master; -1: this is a plain start */
    uint32_t layout; /* of its board */
    int board;       /* -1 from here on: none, or it was taken */
    int log_wake;
    int stats_link[2]; /* both ends */
    int control_wake;
    int wakes[BOARD_WORKERS_MAX];
    size_t wake_count;
    int control;        /* the control socket */
    char *control_path; /* NULL: there is none */
    char *pidfile;      /* likewise */
    struct inherited_socket *sockets;
    size_t socket_count;
};

/* Was this process started so? Asked before inherit_open. */
bool inherit_is_meant(void);

/* Reads what this process was given, if it was. 0, or -1, which has been
 * logged. End with inherit_close either way. Start-up only: memory. */
int inherit_open(struct inherit *in) MUST_CHECK;

static inline bool
inherit_is_open(const struct inherit *in)
{
    return in->link >= 0;
}

/* The socket that listens on ADDR in COLUMN, which is the caller's from now
 * on; -1: there is none. */
int inherit_take(struct inherit *in, const struct addr *addr, unsigned column);

/* How many sockets listen on ADDR, taken ones too: their highest column, and
 * one. */
unsigned inherit_columns(const struct inherit *in, const struct addr *addr);

/* Has the service manager the sockets that listen on ADDR, too? */
bool inherit_is_foreign(const struct inherit *in, const struct addr *addr);

/* Tells the older master what is wrong, for its log and whoever has asked it.
 */
void inherit_say(const struct inherit *in, struct str text);
void inherit_say_faults(const struct inherit *in, const struct faults *faults);

/* Log lines go to stderr, and what is wrong to the older master. */
void inherit_log(struct inherit *in);

/* Closes what nobody has taken; of sockets with a file, the file goes, too,
 * when this program has TAKEN_OVER. */
void inherit_close(struct inherit *in, bool taken_over);

#endif
