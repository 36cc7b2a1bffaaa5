/* SPDX-License-Identifier: MIT */
#include "codec/mysql_answer.h"

#include "base/wire.h"
#include "codec/mysql_cursor.h"

ssize_t
mysql_read_ok(struct mysql_ok *out, const uint8_t *p, size_t n)
{
    struct mysql_cursor c;
    struct mysql_ok ok;
    uint8_t lead;

    mysql_cursor_init(&c, p, n);
    lead = mysql_take_u8(&c);
    ok.affected = mysql_take_lenenc(&c);
    ok.insert_id = mysql_take_lenenc(&c);
    ok.status = mysql_take_u16(&c);
    ok.warnings = mysql_take_u16(&c);
    /* What follows is information for people, and changes of the session. */
    if (n > 0 && lead != MYSQL_OK && lead != MYSQL_EOF)
        return MYSQL_E_KIND;
    if (c.failed)
        return MYSQL_E_CUT;
    *out = ok;
    return (ssize_t)n;
}

ssize_t
mysql_read_err(struct mysql_err *out, const uint8_t *p, size_t n)
{
    struct mysql_cursor c;
    struct mysql_err err = {.number = 0};

    mysql_cursor_init(&c, p, n);
    if (mysql_take_u8(&c) != MYSQL_ERR)
        return n == 0 ? MYSQL_E_CUT : MYSQL_E_KIND;
    if (mysql_is_progress(p, n))
        return MYSQL_E_KIND;
    err.number = mysql_take_u16(&c);
    /* A server that does not know yet what the client can do may leave the
     * state out. */
    if (!c.failed && c.left > MYSQL_STATE_LEN && c.p[0] == '#') {
        mysql_take_u8(&c);
        err.state = mysql_take_bytes(&c, MYSQL_STATE_LEN);
    }
    err.text = mysql_take_rest(&c);
    if (c.failed)
        return MYSQL_E_CUT;
    *out = err;
    return (ssize_t)n;
}

ssize_t
mysql_read_eof(struct mysql_eof *out, const uint8_t *p, size_t n)
{
    struct mysql_cursor c;
    struct mysql_eof eof;
    uint8_t lead;

    mysql_cursor_init(&c, p, n);
    lead = mysql_take_u8(&c);
    eof.warnings = mysql_take_u16(&c);
    eof.status = mysql_take_u16(&c);
    if (n > 0 && (lead != MYSQL_EOF || n > MYSQL_EOF_MAX))
        return MYSQL_E_KIND;
    if (c.failed)
        return MYSQL_E_CUT;
    *out = eof;
    return (ssize_t)n;
}

bool
mysql_is_progress(const uint8_t *p, size_t n)
{
    return n >= 3 && p[0] == MYSQL_ERR &&
           wire_get_u16le(p + 1) == MYSQL_PROGRESS;
}

ssize_t
mysql_read_progress(struct mysql_progress *out, const uint8_t *p, size_t n)
{
    struct mysql_progress progress;
    struct mysql_cursor c;

    if (n >= 3 && !mysql_is_progress(p, n))
        return MYSQL_E_KIND;
    mysql_cursor_init(&c, p, n);
    mysql_take_bytes(&c, 3);
    mysql_take_u8(&c); /* how many texts: one */
    progress.stage = mysql_take_u8(&c);
    progress.stages = mysql_take_u8(&c);
    progress.done = mysql_take_u24(&c);
    progress.action = mysql_take_text(&c);
    if (c.failed)
        return MYSQL_E_CUT;
    *out = progress;
    return (ssize_t)n;
}

void
mysql_write_ok(struct buf *to, uint8_t sequence, const struct mysql_ok *ok,
               uint32_t capabilities)
{
    size_t at = mysql_open_packet(to);

    mysql_write_u8(to, MYSQL_OK);
    mysql_write_lenenc(to, ok->affected);
    mysql_write_lenenc(to, ok->insert_id);
    if ((capabilities & MYSQL_CAN_PROTOCOL_41) != 0) {
        mysql_write_u16(to, ok->status);
        mysql_write_u16(to, ok->warnings);
    } else if ((capabilities & MYSQL_CAN_TRANSACTIONS) != 0) {
        mysql_write_u16(to, ok->status);
    }
    mysql_close_packet(to, at, sequence);
}

void
mysql_write_eof(struct buf *to, uint8_t sequence, const struct mysql_eof *eof,
                uint32_t capabilities)
{
    size_t at = mysql_open_packet(to);

    mysql_write_u8(to, MYSQL_EOF);
    if ((capabilities & MYSQL_CAN_PROTOCOL_41) != 0) {
        mysql_write_u16(to, eof->warnings);
        mysql_write_u16(to, eof->status);
    }
    mysql_close_packet(to, at, sequence);
}

void
mysql_write_err(struct buf *to, uint8_t sequence, const struct mysql_err *err,
                uint32_t capabilities)
{
    size_t at = mysql_open_packet(to);

    if ((err->state.p != NULL && err->state.len != MYSQL_STATE_LEN) ||
        err->number == MYSQL_PROGRESS)
        to->failed = true;
    mysql_write_u8(to, MYSQL_ERR);
    mysql_write_u16(to, err->number);
    if (err->state.p != NULL && (capabilities & MYSQL_CAN_PROTOCOL_41) != 0) {
        mysql_write_u8(to, '#');
        buf_str(to, err->state);
    }
    buf_str(to, err->text);
    mysql_close_packet(to, at, sequence);
}
