/* SPDX-License-Identifier: MIT */
/*
 * Watches a client's side of a MySQL session for the one command that may not
 * pass as it is: another login (mysql_change.h). What is not yet known to be
 * none is kept back, up to four bytes.
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
    MYSQL_WATCH_KEPT_MAX = MYSQL_HEADER_LEN, /* bytes that are kept back */
};

struct mysql_watch {
    uint32_t left;  /* bytes of the packet under way */
    bool full;      /* the next packet continues this one */
    bool in_file;   /* a file is sent */
    bool answering; /* a login is under way, and packets answer a plugin */
};

/* Begins between two commands. */
void mysql_watch_init(struct mysql_watch *watch);

/* How many of the N bytes at P may pass: all, or those before the first one
 * that is kept back (*CHANGE is false), or before a change of user (*CHANGE is
 * true). The kept ones come again, with more behind them. */
size_t mysql_watch_pass(struct mysql_watch *watch, const uint8_t *p, size_t n,
                        bool *change);

/* The caller has taken the whole change of user out of the stream. */
void mysql_watch_changed(struct mysql_watch *watch);

#endif
