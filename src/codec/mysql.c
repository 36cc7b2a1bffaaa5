/* SPDX-License-Identifier: MIT */
#include "codec/mysql.h"

#include "base/wire.h"

ssize_t
mysql_read_packet(struct mysql_packet *out, const uint8_t *p, size_t n,
                  size_t max)
{
    size_t len;

    if (n < MYSQL_HEADER_LEN)
        return 0;
    len = wire_get_u24le(p);
    if (len > max || len > MYSQL_PAYLOAD_MAX)
        return MYSQL_E_LENGTH;
    if (n - MYSQL_HEADER_LEN < len)
        return 0;
    out->sequence = p[3];
    out->p = p + MYSQL_HEADER_LEN;
    out->len = len;
    return (ssize_t)(MYSQL_HEADER_LEN + len);
}

int
mysql_lead(const struct mysql_packet *packet)
{
    return packet->len == 0 ? -1 : packet->p[0];
}

const char *
mysql_error_text(enum mysql_error error)
{
    switch (error) {
    case MYSQL_E_LENGTH:
        return "MySQL packet is too long";
    case MYSQL_E_CUT:
        return "MySQL packet is cut off";
    case MYSQL_E_KIND:
        return "unexpected MySQL packet";
    case MYSQL_E_PROTOCOL:
        return "not MySQL's protocol version 10";
    case MYSQL_E_COLUMNS:
        return "too many columns";
    case MYSQL_E_NAME:
        return "a name in a MySQL login is too long";
    case MYSQL_E_ATTRIBUTES:
        return "bad attributes in a MySQL login";
    }
    return "unknown error";
}

size_t
mysql_open_packet(struct buf *to)
{
    size_t at = to->len;

    mysql_write_u32(to, 0);
    return at;
}

void
mysql_close_packet(struct buf *to, size_t at, uint8_t sequence)
{
    size_t len;

    if (to->failed)
        return;
    len = to->len - at - MYSQL_HEADER_LEN;
    if (len > MYSQL_PAYLOAD_MAX) {
        to->failed = true;
        return;
    }
    wire_put_u24le((uint8_t *)to->p + at, (uint32_t)len);
    wire_put_u8((uint8_t *)to->p + at + 3, sequence);
}

void
mysql_write_packet(struct buf *to, uint8_t sequence, struct str payload)
{
    size_t at = mysql_open_packet(to);

    buf_str(to, payload);
    mysql_close_packet(to, at, sequence);
}

void
mysql_write_command(struct buf *to, enum mysql_command command, struct str text)
{
    size_t at = mysql_open_packet(to);

    mysql_write_u8(to, (uint8_t)command);
    buf_str(to, text);
    mysql_close_packet(to, at, 0);
}

void
mysql_write_u8(struct buf *to, uint8_t n)
{
    buf_char(to, (char)n);
}

void
mysql_write_u16(struct buf *to, uint16_t n)
{
    uint8_t bytes[2];

    wire_put_u16le(bytes, n);
    buf_add(to, bytes, sizeof(bytes));
}

void
mysql_write_u32(struct buf *to, uint32_t n)
{
    uint8_t bytes[4];

    wire_put_u32le(bytes, n);
    buf_add(to, bytes, sizeof(bytes));
}

/* Bytes of a length-encoded number. */
static size_t
lenenc_len(uint64_t n)
{
    if (n < 0xfb)
        return 1;
    if (n <= 0xffff)
        return 3;
    return n <= 0xffffff ? 4 : 9;
}

void
mysql_write_lenenc(struct buf *to, uint64_t n)
{
    uint8_t bytes[9] = {(uint8_t)n};
    size_t len = lenenc_len(n);

    if (len == 3) {
        bytes[0] = 0xfc;
        wire_put_u16le(bytes + 1, (uint16_t)n);
    } else if (len == 4) {
        bytes[0] = 0xfd;
        wire_put_u24le(bytes + 1, (uint32_t)n);
    } else if (len == 9) {
        bytes[0] = 0xfe;
        wire_put_u64le(bytes + 1, n);
    }
    buf_add(to, bytes, len);
}

void
mysql_write_text(struct buf *to, struct str text)
{
    mysql_write_lenenc(to, text.len);
    buf_str(to, text);
}

void
mysql_write_cstring(struct buf *to, struct str text)
{
    /* A NUL in it would end it early. */
    if (str_find_char(text, '\0', 0) >= 0)
        to->failed = true;
    buf_str(to, text);
    mysql_write_u8(to, 0);
}
