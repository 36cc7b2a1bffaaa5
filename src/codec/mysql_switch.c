/* SPDX-License-Identifier: MIT */
#include "codec/mysql_switch.h"

#include "codec/mysql_cursor.h"

ssize_t
mysql_read_switch(struct mysql_switch *out, const uint8_t *p, size_t n)
{
    struct mysql_switch request = {.plugin = STR("mysql_old_password")};
    struct mysql_cursor c;

    mysql_cursor_init(&c, p, n);
    if (mysql_take_u8(&c) != MYSQL_EOF)
        return n == 0 ? MYSQL_E_CUT : MYSQL_E_KIND;
    request.old = c.left == 0;
    if (!request.old) {
        request.plugin = mysql_take_cstring(&c);
        request.data = mysql_take_rest(&c);
    }
    if (c.failed)
        return MYSQL_E_CUT;
    *out = request;
    return (ssize_t)n;
}

ssize_t
mysql_read_more(struct str *out, const uint8_t *p, size_t n)
{
    struct mysql_cursor c;

    mysql_cursor_init(&c, p, n);
    if (mysql_take_u8(&c) != MYSQL_MORE_DATA)
        return n == 0 ? MYSQL_E_CUT : MYSQL_E_KIND;
    *out = mysql_take_rest(&c);
    return (ssize_t)n;
}

void
mysql_write_switch(struct buf *to, uint8_t sequence,
                   const struct mysql_switch *request)
{
    size_t at = mysql_open_packet(to);

    mysql_write_u8(to, MYSQL_EOF);
    if (!request->old) {
        mysql_write_cstring(to, request->plugin);
        buf_str(to, request->data);
    }
    mysql_close_packet(to, at, sequence);
}

void
mysql_write_more(struct buf *to, uint8_t sequence, struct str said)
{
    size_t at = mysql_open_packet(to);

    mysql_write_u8(to, MYSQL_MORE_DATA);
    buf_str(to, said);
    mysql_close_packet(to, at, sequence);
}
