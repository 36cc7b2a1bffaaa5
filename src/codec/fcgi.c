/* SPDX-License-Identifier: MIT */
/*
 * FastCGI records.
 *
 *      0        1     2   3      4   5       6        7         8
 *      version  type  request id content len padding  reserved  content...
 */
#include "codec/fcgi.h"

#include "base/wire.h"

enum {
    SHORT_LEN = 0x7f, /* the greatest length in one byte */
};

ssize_t
fcgi_read_header(struct fcgi_header *out, const uint8_t *p, size_t n)
{
    if (n > 0 && p[0] != FCGI_VERSION)
        return FCGI_E_VERSION;
    if (n < FCGI_HEADER_LEN)
        return 0;
    out->type = wire_get_u8(p + 1);
    out->request_id = wire_get_u16be(p + 2);
    out->content_len = wire_get_u16be(p + 4);
    out->padding_len = wire_get_u8(p + 6);
    return FCGI_HEADER_LEN;
}

ssize_t
fcgi_read_end(struct fcgi_end *out, const uint8_t *p, size_t n)
{
    if (n != FCGI_END_LEN)
        return FCGI_E_LENGTH;
    out->app_status = wire_get_u32be(p);
    out->status = wire_get_u8(p + 4);
    return FCGI_END_LEN;
}

/* A length in 1 or 4 bytes. Returns how many, or 0 where they are cut off. */
static size_t
read_len(uint32_t *out, const uint8_t *p, size_t n)
{
    if (n < 1)
        return 0;
    if (p[0] <= SHORT_LEN) {
        *out = p[0];
        return 1;
    }
    if (n < 4)
        return 0;
    *out = wire_get_u32be(p) & FCGI_MAX_PAIR;
    return 4;
}

ssize_t
fcgi_read_pair(struct fcgi_pair *out, const uint8_t *p, size_t n)
{
    uint32_t name_len, value_len;
    size_t first, second, at;

    first = read_len(&name_len, p, n);
    if (first == 0)
        return FCGI_E_PAIR;
    second = read_len(&value_len, p + first, n - first);
    if (second == 0)
        return FCGI_E_PAIR;
    at = first + second;
    if (name_len > n - at || value_len > n - at - name_len)
        return FCGI_E_PAIR;
    out->name = str_make((const char *)p + at, name_len);
    out->value = str_make((const char *)p + at + name_len, value_len);
    return (ssize_t)(at + name_len + value_len);
}

const char *
fcgi_error_text(enum fcgi_error error)
{
    switch (error) {
    case FCGI_E_VERSION:
        return "not a FastCGI record of version 1";
    case FCGI_E_LENGTH:
        return "FastCGI record of a wrong length";
    case FCGI_E_PAIR:
        return "FastCGI parameter is cut off";
    }
    return "unknown error";
}

const char *
fcgi_status_text(uint8_t status)
{
    switch (status) {
    case FCGI_REQUEST_COMPLETE:
        return "request complete";
    case FCGI_CANT_MPX_CONN:
        return "application takes no second request on a connection";
    case FCGI_OVERLOADED:
        return "application is overloaded";
    case FCGI_UNKNOWN_ROLE:
        return "application does not know the role";
    }
    return "unknown status";
}

void
fcgi_put_header(uint8_t out[FCGI_HEADER_LEN], enum fcgi_type type,
                uint16_t request_id, uint16_t content_len, uint8_t padding_len)
{
    wire_put_u8(out, FCGI_VERSION);
    wire_put_u8(out + 1, (uint8_t)type);
    wire_put_u16be(out + 2, request_id);
    wire_put_u16be(out + 4, content_len);
    wire_put_u8(out + 6, padding_len);
    wire_put_u8(out + 7, 0);
}

void
fcgi_write_header(struct buf *to, enum fcgi_type type, uint16_t request_id,
                  uint16_t content_len, uint8_t padding_len)
{
    uint8_t header[FCGI_HEADER_LEN];

    fcgi_put_header(header, type, request_id, content_len, padding_len);
    buf_add(to, header, sizeof(header));
}

void
fcgi_write_begin(struct buf *to, uint16_t request_id, uint8_t flags)
{
    uint8_t content[FCGI_BEGIN_LEN] = {0, FCGI_RESPONDER, flags};

    fcgi_write_header(to, FCGI_BEGIN_REQUEST, request_id, sizeof(content), 0);
    buf_add(to, content, sizeof(content));
}

void
fcgi_write_abort(struct buf *to, uint16_t request_id)
{
    fcgi_write_header(to, FCGI_ABORT_REQUEST, request_id, 0, 0);
}

void
fcgi_write_end(struct buf *to, uint16_t request_id, uint32_t app_status,
               enum fcgi_status status)
{
    uint8_t content[FCGI_END_LEN] = {0};

    wire_put_u32be(content, app_status);
    wire_put_u8(content + 4, (uint8_t)status);
    fcgi_write_header(to, FCGI_END_REQUEST, request_id, sizeof(content), 0);
    buf_add(to, content, sizeof(content));
}

/* Bytes that a length takes. */
static size_t
len_len(size_t len)
{
    return len <= SHORT_LEN ? 1 : 4;
}

static char *
put_len(char *p, size_t len)
{
    if (len <= SHORT_LEN) {
        *p = (char)len;
        return p + 1;
    }
    wire_put_u32be((uint8_t *)p, (uint32_t)len | 0x80000000);
    return p + 4;
}

static char *
put_text(char *p, struct str text)
{
    if (text.len > 0)
        memcpy(p, text.p, text.len);
    return p + text.len;
}

size_t
fcgi_pair_len(struct str name, struct str value)
{
    return len_len(name.len) + len_len(value.len) + name.len + value.len;
}

void
fcgi_write_pair(struct buf *to, struct str name, struct str value)
{
    char *p;

    if (name.len > FCGI_MAX_PAIR || value.len > FCGI_MAX_PAIR) {
        to->failed = true;
        return;
    }
    p = buf_reserve(to, fcgi_pair_len(name, value));
    if (p == NULL)
        return;
    p = put_len(p, name.len);
    p = put_len(p, value.len);
    p = put_text(p, name);
    p = put_text(p, value);
    to->len = (size_t)(p - to->p);
}

size_t
fcgi_open_params(struct buf *to)
{
    size_t at = to->len;

    fcgi_write_header(to, FCGI_PARAMS, 0, 0, 0);
    return at;
}

void
fcgi_close_params(struct buf *to, size_t at, uint16_t request_id)
{
    size_t len, full;

    fcgi_write_header(to, FCGI_PARAMS, request_id, 0, 0);
    if (to->failed)
        return;
    len = to->len - at - 2 * FCGI_HEADER_LEN;
    if (len == 0) {
        to->len -= FCGI_HEADER_LEN;
        fcgi_put_header((uint8_t *)to->p + at, FCGI_PARAMS, request_id, 0, 0);
        return;
    }
    /* The last piece moves first, with the empty record behind it, to make room
     * for its own header; the pieces before it are full ones. */
    full = (len - 1) / FCGI_MAX_CONTENT;
    if (buf_reserve(to, full * FCGI_HEADER_LEN) == NULL)
        return;
    for (size_t i = full + 1; i-- > 0;) {
        char *piece = to->p + at + FCGI_HEADER_LEN + i * FCGI_MAX_CONTENT;
        char *moved = piece + i * FCGI_HEADER_LEN;
        size_t piece_len = FCGI_MAX_CONTENT;

        if (i == full)
            piece_len = len - full * FCGI_MAX_CONTENT;
        memmove(moved, piece, piece_len + (i == full ? FCGI_HEADER_LEN : 0));
        fcgi_put_header((uint8_t *)moved - FCGI_HEADER_LEN, FCGI_PARAMS,
                        request_id, (uint16_t)piece_len, 0);
    }
    to->len += full * FCGI_HEADER_LEN;
}

void
fcgi_write_stream(struct buf *to, enum fcgi_type type, uint16_t request_id,
                  struct str data)
{
    while (data.len > 0) {
        size_t len = data.len < FCGI_MAX_CONTENT ? data.len : FCGI_MAX_CONTENT;

        fcgi_write_header(to, type, request_id, (uint16_t)len, 0);
        buf_add(to, data.p, len);
        data = str_slice(data, len, data.len);
    }
}
