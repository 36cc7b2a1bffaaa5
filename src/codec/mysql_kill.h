/* SPDX-License-Identifier: MIT */
/*
 * A command that ends another connection or its statement, whose number is
 * known to the server that it goes to under another one:
 *
 *     COM_QUERY         KILL [HARD | SOFT] [CONNECTION | QUERY] NUMBER [;]
 *     COM_PROCESS_KILL  number
 *
 * and what can take its place: the same with another number, or a statement
 * that does nothing but fail. What is more than that, such as KILL USER, a
 * number that has to be worked out, or one of several statements, is none.
 *
 * MySQL's manual: "KILL Statement", "COM_PROCESS_KILL", "SIGNAL Statement";
 * MariaDB's: "KILL [CONNECTION | QUERY]".
 */
#ifndef CODEC_MYSQL_KILL_H
#define CODEC_MYSQL_KILL_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/mysql.h"

enum {
    MYSQL_KILL_MAX = 256,   /* bytes of a payload that may be one */
    MYSQL_SIGNAL_MAX = 128, /* characters of a failure's words, by the manual */
};

struct mysql_kill {
    bool is_text;      /* a statement; else the command of its own */
    struct str before; /* of a statement: up to the number, */
    struct str after;  /* and behind it */
    uint32_t id;       /* of the connection */
};

/* May a command whose payload of LEN bytes begins with the N bytes at P be one?
 * Where a query's text begins after TEXT_AT bytes: 1, or 3 with query
 * attributes, of which there are none then. Few that are none pass this. 0 or
 * 1; -1: it takes TEXT_AT + 1 bytes to say. */
int mysql_may_be_kill(const uint8_t *p, size_t n, size_t len, size_t text_at);

/* Texts point into P. */
ssize_t mysql_read_kill(struct mysql_kill *out, const uint8_t *p, size_t n,
                        size_t text_at) __attribute__((warn_unused_result));

/* Append a command: KILL with this number of a connection; a statement that
 * fails with NUMBER and these words, of which MYSQL_SIGNAL_MAX bytes are
 * told. */
void
mysql_write_kill(struct buf *to, const struct mysql_kill *kill, uint32_t id);
void mysql_write_signal(struct buf *to, uint16_t number, struct str words,
                        size_t text_at);

#endif
