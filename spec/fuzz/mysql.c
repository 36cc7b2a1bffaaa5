/* SPDX-License-Identifier: MIT */
/*
 * MySQL: the bytes are one packet's payload for every reader of an answer, and
 * a stream of packets that are a result. Texts lie in the payload, and nothing
 * is read beyond it.
 */
#include "codec/mysql_answer.h"
#include "codec/mysql_result.h"

#include "mysql.h"

enum {
    PACKET_MAX = 4092, /* bytes of a payload */
    ROW_MAX = 16,      /* values of a row that are read */
};

static void
check_answers(const uint8_t *p, size_t n)
{
    struct mysql_progress progress;
    struct mysql_column column;
    struct str values[ROW_MAX];
    struct mysql_eof eof;
    struct mysql_err err;
    struct mysql_ok ok;

    (void)fuzz_is_taken(mysql_read_ok(&ok, p, n), n);
    (void)fuzz_is_taken(mysql_read_eof(&eof, p, n), n);
    if (fuzz_is_taken(mysql_read_err(&err, p, n), n)) {
        FUZZ_CHECK(fuzz_is_text_of(err.state, p, n) &&
                   fuzz_is_text_of(err.text, p, n));
        FUZZ_CHECK(!mysql_is_progress(p, n));
    }
    if (fuzz_is_taken(mysql_read_progress(&progress, p, n), n)) {
        FUZZ_CHECK(mysql_is_progress(p, n));
        FUZZ_CHECK(fuzz_is_text_of(progress.action, p, n));
    }
    if (fuzz_is_taken(mysql_read_column(&column, p, n), n))
        FUZZ_CHECK(fuzz_is_text_of(column.schema, p, n) &&
                   fuzz_is_text_of(column.table, p, n) &&
                   fuzz_is_text_of(column.name, p, n));
    for (size_t count = 0; count <= ROW_MAX; count++) {
        if (!fuzz_is_taken(mysql_read_row(values, count, p, n), n))
            continue;
        for (size_t i = 0; i < count; i++)
            FUZZ_CHECK(fuzz_is_text_of(values[i], p, n));
    }
}

/* Every packet of the bytes, in a copy of its own, as a result. */
static void
check_result(const uint8_t *p, size_t n, uint32_t capabilities)
{
    struct mysql_result result;
    struct mysql_packet packet;
    ssize_t got;
    int part = MYSQL_PART_OK;

    mysql_result_init(&result, capabilities);
    while (part > 0 &&
           (got = mysql_read_packet(&packet, p, n, PACKET_MAX)) > 0) {
        uint8_t *copy = fuzz_copy(packet.p, packet.len);

        FUZZ_CHECK((size_t)got == MYSQL_HEADER_LEN + packet.len);
        FUZZ_CHECK((size_t)got <= n);
        part = mysql_result_next(&result, copy, packet.len);
        FUZZ_CHECK(part != 0 && result.columns <= MYSQL_COLUMNS_MAX);
        FUZZ_CHECK(result.described <= result.columns);
        free(copy);
        p += got;
        n -= (size_t)got;
    }
}

void
fuzz_mysql(const uint8_t *p, size_t n)
{
    check_answers(p, n);
    check_result(p, n, 0);
    check_result(p, n, MYSQL_CAN_END_BY_OK);
}
