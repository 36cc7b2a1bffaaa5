/* SPDX-License-Identifier: MIT */
/*
 * Watches a client's side of a MySQL session for the commands that may not pass
 * as they are: another login (mysql_change.h) and, if they are to be found,
 * what ends another connection (mysql_kill.h). What is not yet known to be none
 * is kept back, a few bytes.
 *
 *      query  query  change user  ...
 *      ──── pass ───▶│ stops here
 *
 * A packet is a command where its number is 0. Others follow a command: what a
 * plugin is answered, or the contents of a file (LOAD DATA LOCAL), whose
 * numbers come round to 0 and which an empty packet ends.
 *
 * MySQL's manual: "MySQL Packets", "COM_CHANGE_USER", "LOCAL INFILE Request".
 * What is compressed or encrypted must not be given.
 */
#ifndef CODEC_MYSQL_WATCH_H
#define CODEC_MYSQL_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/mysql.h"

enum {
    MYSQL_WATCH_KEPT_MAX = MYSQL_HEADER_LEN + 3, /* bytes that are kept back */
};

/* Before what it has stopped. */
enum mysql_watch_stop {
    MYSQL_WATCH_NOTHING, /* all that may pass has passed */
    MYSQL_WATCH_CHANGE,  /* a change of user */
    MYSQL_WATCH_KILL, /* what may be a KILL, of MYSQL_KILL_MAX bytes at most */
};

struct mysql_watch {
    uint8_t text_at; /* of a query's payload, where its text begins; 0: nobody
                        asks for KILL */
    uint32_t left;   /* bytes of the packet under way */
    bool full;       /* the next packet continues this one */
    bool in_file;    /* a file is sent */
    bool answering;  /* a login is under way, and packets answer a plugin */
};

/* Begins between two commands. TEXT_AT as mysql_kill.h has it, or 0. */
void mysql_watch_init(struct mysql_watch *watch, uint8_t text_at);

/* How many of the N bytes at P may pass: all, or those before the first one
 * that is kept back, or before a packet that *STOP names. The kept ones come
 * again, with more behind them. */
size_t mysql_watch_pass(struct mysql_watch *watch, const uint8_t *p, size_t n,
                        enum mysql_watch_stop *stop);

/* The caller has taken the whole packet, before which it had stopped, out of
 * the stream: a change of user, which the client's answers follow, or what may
 * have been a KILL. */
void mysql_watch_taken(struct mysql_watch *watch, enum mysql_watch_stop what);

#endif
