/* SPDX-License-Identifier: MIT */
/*
 * A KILL that is read and written again with the same number reads the same,
 * whatever stands around the number; and what fails in its place holds no more
 * than its words.
 *
 * The first byte says where the text of a query begins.
 */
#include "codec/mysql_kill.h"

#include "fuzz.h"

static void
check_signal(const uint8_t *p, size_t n, size_t text_at)
{
    char space[1024];
    struct buf to;
    size_t quotes = 0;

    buf_init(&to, space, sizeof(space));
    mysql_write_signal(&to, 1094, str_make((const char *)p, n), text_at);
    FUZZ_CHECK(!to.failed);
    for (size_t i = MYSQL_HEADER_LEN + text_at; i < to.len; i++) {
        FUZZ_CHECK(to.p[i] >= ' ' && to.p[i] < 0x7f && to.p[i] != '\\');
        quotes += to.p[i] == '\'';
    }
    FUZZ_CHECK(quotes % 2 == 0);
}

void
fuzz_mysqlkill(const uint8_t *p, size_t n)
{
    struct mysql_kill kill, again;
    struct mysql_packet packet;
    char space[MYSQL_KILL_MAX * 2];
    size_t text_at;
    uint8_t *copy;
    struct buf to;

    if (n < 1)
        return;
    text_at = (p[0] & 1) != 0 ? 3 : 1;
    copy = fuzz_copy(p + 1, n - 1);
    check_signal(copy, n - 1, text_at);
    if (mysql_read_kill(&kill, copy, n - 1, text_at) > 0) {
        buf_init(&to, space, sizeof(space));
        mysql_write_kill(&to, &kill, kill.id);
        FUZZ_CHECK(mysql_read_packet(&packet, (const uint8_t *)to.p, to.len,
                                     MYSQL_PAYLOAD_MAX) == (ssize_t)to.len);
        FUZZ_CHECK(mysql_read_kill(&again, packet.p, packet.len, text_at) > 0);
        FUZZ_CHECK(again.id == kill.id && again.is_text == kill.is_text);
        FUZZ_CHECK(str_equal(again.before, kill.before));
        FUZZ_CHECK(str_equal(again.after, kill.after));
    }
    free(copy);
}
