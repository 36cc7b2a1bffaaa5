/* SPDX-License-Identifier: MIT */
#include "codec/mysql_result.h"

#include "codec/mysql_cursor.h"

enum {
    NULL_VALUE = 0xfb,   /* stands for a value's length */
    COLUMN_FIXED = 0x0c, /* bytes of fixed length that end a description */
};

void
mysql_result_init(struct mysql_result *result, uint32_t capabilities)
{
    *result = (struct mysql_result){
        .state = MYSQL_RESULT_START,
        .end_by_ok = (capabilities & MYSQL_CAN_END_BY_OK) != 0,
    };
}

/* One result is over; does STATUS promise another? */
static void
finish(struct mysql_result *result, uint16_t status)
{
    result->state = MYSQL_RESULT_DONE;
    if ((status & MYSQL_MORE_RESULTS) != 0)
        result->state = MYSQL_RESULT_START;
}

static int
next_error(struct mysql_result *result, const uint8_t *p, size_t n)
{
    ssize_t got = mysql_read_err(&result->err, p, n);

    if (got < 0)
        return (int)got;
    result->state = MYSQL_RESULT_DONE;
    return MYSQL_PART_ERROR;
}

static int
next_start(struct mysql_result *result, const uint8_t *p, size_t n)
{
    struct mysql_cursor c;
    uint64_t columns;
    ssize_t got;

    if (p[0] == MYSQL_OK) {
        got = mysql_read_ok(&result->ok, p, n);
        if (got < 0)
            return (int)got;
        finish(result, result->ok.status);
        return MYSQL_PART_OK;
    }
    if (p[0] == MYSQL_LOCAL_INFILE)
        return MYSQL_E_KIND;
    mysql_cursor_init(&c, p, n);
    columns = mysql_take_lenenc(&c);
    if (c.failed)
        return MYSQL_E_CUT;
    if (columns == 0)
        return MYSQL_E_KIND;
    if (columns > MYSQL_COLUMNS_MAX)
        return MYSQL_E_COLUMNS;
    result->columns = (unsigned)columns;
    result->described = 0;
    result->state = MYSQL_RESULT_COLUMNS;
    return MYSQL_PART_COUNT;
}

static int
next_column(struct mysql_result *result)
{
    result->described++;
    if (result->described == result->columns)
        result->state =
            result->end_by_ok ? MYSQL_RESULT_ROWS : MYSQL_RESULT_BREAK;
    return MYSQL_PART_COLUMN;
}

static int
next_break(struct mysql_result *result, const uint8_t *p, size_t n)
{
    struct mysql_eof eof;
    ssize_t got = mysql_read_eof(&eof, p, n);

    if (got < 0)
        return (int)got;
    result->state = MYSQL_RESULT_ROWS;
    return MYSQL_PART_COLUMNS;
}

/* The end of the rows. A row whose first value has 16 MiB or more begins with
 * the same byte, but does not fit into one packet. */
static int
next_end(struct mysql_result *result, const uint8_t *p, size_t n)
{
    struct mysql_eof eof;
    ssize_t got;

    if (result->end_by_ok) {
        got = mysql_read_ok(&result->ok, p, n);
        if (got > 0)
            finish(result, result->ok.status);
    } else {
        got = mysql_read_eof(&eof, p, n);
        if (got > 0)
            finish(result, eof.status);
    }
    return got < 0 ? (int)got : MYSQL_PART_END;
}

int
mysql_result_next(struct mysql_result *result, const uint8_t *p, size_t n)
{
    if (n == 0)
        return MYSQL_E_CUT;
    if (p[0] == MYSQL_ERR && result->state != MYSQL_RESULT_DONE)
        return next_error(result, p, n);
    switch (result->state) {
    case MYSQL_RESULT_START:
        return next_start(result, p, n);
    case MYSQL_RESULT_COLUMNS:
        return next_column(result);
    case MYSQL_RESULT_BREAK:
        return next_break(result, p, n);
    case MYSQL_RESULT_ROWS:
        return p[0] == MYSQL_EOF ? next_end(result, p, n) : MYSQL_PART_ROW;
    case MYSQL_RESULT_DONE:
        break;
    }
    return MYSQL_E_KIND;
}

ssize_t
mysql_read_column(struct mysql_column *out, const uint8_t *p, size_t n)
{
    struct mysql_cursor c;
    struct mysql_column column;

    mysql_cursor_init(&c, p, n);
    mysql_take_text(&c); /* the catalog: always "def" */
    column.schema = mysql_take_text(&c);
    column.table = mysql_take_text(&c);
    mysql_take_text(&c); /* the table's own name */
    column.name = mysql_take_text(&c);
    mysql_take_text(&c); /* the column's own name */
    if (mysql_take_lenenc(&c) != COLUMN_FIXED && !c.failed)
        return MYSQL_E_KIND;
    column.charset = mysql_take_u16(&c);
    column.width = mysql_take_u32(&c);
    column.type = mysql_take_u8(&c);
    column.flags = mysql_take_u16(&c);
    column.decimals = mysql_take_u8(&c);
    mysql_take_u16(&c);
    if (c.failed)
        return MYSQL_E_CUT;
    *out = column;
    return (ssize_t)n;
}

ssize_t
mysql_read_row(struct str *values, size_t count, const uint8_t *p, size_t n)
{
    struct mysql_cursor c;

    mysql_cursor_init(&c, p, n);
    for (size_t i = 0; i < count; i++) {
        if (c.left > 0 && c.p[0] == NULL_VALUE) {
            mysql_take_u8(&c);
            values[i] = str_from(NULL);
        } else {
            values[i] = mysql_take_text(&c);
        }
    }
    if (c.failed)
        return MYSQL_E_CUT;
    return c.left > 0 ? MYSQL_E_KIND : (ssize_t)n;
}
