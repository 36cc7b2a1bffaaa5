/* SPDX-License-Identifier: MIT */
/*
 * What a server answers to COM_QUERY: a plain OK, an error, or a result set as
 * text.
 *
 *      count | column ... | EOF | row ... | EOF
 *      count | column ... |       row ... | OK     with MYSQL_CAN_END_BY_OK
 *
 * MySQL's manual: "Text Resultset", "Column Definition", "Text Resultset Row",
 * "CLIENT_DEPRECATE_EOF". Requests for a local file are refused.
 */
#ifndef CODEC_MYSQL_RESULT_H
#define CODEC_MYSQL_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/mysql_answer.h"

enum {
    MYSQL_COLUMNS_MAX = 4096, /* of a table in MySQL and MariaDB */
};

/* What a packet of a result was. */
enum mysql_part {
    MYSQL_PART_OK = 1,  /* the end: no result set, `ok` says what was done */
    MYSQL_PART_ERROR,   /* the end: `err` says why */
    MYSQL_PART_COUNT,   /* `columns` are to be described */
    MYSQL_PART_COLUMN,  /* one of them: mysql_read_column */
    MYSQL_PART_COLUMNS, /* they all have been */
    MYSQL_PART_ROW,     /* mysql_read_row */
    MYSQL_PART_END,     /* of the rows */
};

enum mysql_result_state {
    MYSQL_RESULT_START,   /* nothing has come */
    MYSQL_RESULT_COLUMNS, /* descriptions */
    MYSQL_RESULT_BREAK,   /* the EOF behind them */
    MYSQL_RESULT_ROWS,    /* rows, and the end */
    MYSQL_RESULT_DONE,    /* nothing more comes */
};

struct mysql_result {
    enum mysql_result_state state;
    bool end_by_ok;       /* both sides have MYSQL_CAN_END_BY_OK */
    unsigned columns;     /* of the set */
    unsigned described;   /* of them, so far */
    struct mysql_ok ok;   /* MYSQL_PART_OK */
    struct mysql_err err; /* MYSQL_PART_ERROR; points into the packet */
};

struct mysql_column {
    struct str schema;
    struct str table;
    struct str name;  /* as the query calls it */
    uint16_t charset; /* 63: bytes */
    uint32_t width;   /* at most */
    uint8_t type;     /* the manual's "field types" */
    uint16_t flags;
    uint8_t decimals;
};

void mysql_result_init(struct mysql_result *result, uint32_t capabilities);

/* Takes the payload of the next packet. Returns what it was, an enum
 * mysql_part, or an enum mysql_error, after which nothing more may be read. The
 * result is over when `state` is MYSQL_RESULT_DONE; where several results
 * follow each other, it goes on with the next one. */
int mysql_result_next(struct mysql_result *result, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

ssize_t mysql_read_column(struct mysql_column *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Sets COUNT values; NULL is the absent text. A row with more or fewer is
 * refused; VALUES is then undefined. */
ssize_t mysql_read_row(struct str *values, size_t count, const uint8_t *p,
                       size_t n) __attribute__((warn_unused_result));

#endif
