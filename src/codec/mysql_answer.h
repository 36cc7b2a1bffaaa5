/* SPDX-License-Identifier: MIT */
/*
 * MySQL's answers that can come at any time: OK, ERR and EOF, and MariaDB's
 * reports of progress, which look like an ERR and do not end an answer.
 *
 * Writers take the CAPABILITIES of the client: without MYSQL_CAN_PROTOCOL_41
 * (before its login, or from a client older than 4.1) an ERR has no state, and
 * OK and EOF have fewer numbers. Readers take the 4.1 forms, and an ERR of
 * either kind; of a payload that passes by, what a framer shows will do, but
 * for texts.
 *
 * MySQL's manual: "OK_Packet", "ERR_Packet", "EOF_Packet"; MariaDB's:
 * "OK_Packet", "ERR_Packet", "EOF_Packet", "Progress reporting".
 */
#ifndef CODEC_MYSQL_ANSWER_H
#define CODEC_MYSQL_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/mysql.h"

enum {
    MYSQL_STATE_LEN = 5, /* bytes of an SQL state, such as 28000 */
    MYSQL_EOF_MAX = 8,   /* a longer payload that begins like an EOF is none */
    MYSQL_PROGRESS = 0xffff, /* the number of an ERR that is a report */
};

/* OK, or an EOF that has taken its form. */
struct mysql_ok {
    uint64_t affected;  /* rows */
    uint64_t insert_id; /* the last one */
    uint16_t status;    /* set of enum mysql_status, among others */
    uint16_t warnings;  /* how many */
};

struct mysql_err {
    uint16_t number;  /* 1045 ... */
    struct str state; /* "28000"; absent before the login, on old servers */
    struct str text;  /* in words */
};

struct mysql_eof {
    uint16_t warnings; /* how many */
    uint16_t status;   /* set of enum mysql_status, among others */
};

struct mysql_progress {
    uint8_t stage;     /* from 1 on */
    uint8_t stages;    /* how many there are */
    uint32_t done;     /* of this stage, in thousandths of a percent */
    struct str action; /* "copy to tmp table" */
};

ssize_t mysql_read_ok(struct mysql_ok *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));
ssize_t mysql_read_eof(struct mysql_eof *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Refuses a report of progress. */
ssize_t mysql_read_err(struct mysql_err *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Does this payload, which begins with MYSQL_ERR, only report progress? */
bool mysql_is_progress(const uint8_t *p, size_t n);
ssize_t mysql_read_progress(struct mysql_progress *out, const uint8_t *p,
                            size_t n) __attribute__((warn_unused_result));

/* Append a packet. An ERR's state is MYSQL_STATE_LEN bytes or absent: another
 * one sets to->failed, as the number of a report does. */
void mysql_write_ok(struct buf *to, uint8_t sequence, const struct mysql_ok *ok,
                    uint32_t capabilities);
void mysql_write_eof(struct buf *to, uint8_t sequence,
                     const struct mysql_eof *eof, uint32_t capabilities);
void mysql_write_err(struct buf *to, uint8_t sequence,
                     const struct mysql_err *err, uint32_t capabilities);

#endif
