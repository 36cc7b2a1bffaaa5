/* SPDX-License-Identifier: MIT */
#include "codec/mysql_cursor.h"

#include "base/wire.h"

enum {
    LENENC_MAX_1 = 0xfa, /* the greatest number in one byte */
    LENENC_2 = 0xfc,     /* two bytes follow, three, eight */
    LENENC_3 = 0xfd,
    LENENC_8 = 0xfe,
};

void
mysql_cursor_init(struct mysql_cursor *c, const uint8_t *p, size_t n)
{
    *c = (struct mysql_cursor){.p = p, .left = n};
}

/* The N next bytes, which are taken; NULL where there are fewer. */
static const uint8_t *
take(struct mysql_cursor *c, uint64_t n)
{
    const uint8_t *p = c->p;

    if (c->failed || n > c->left) {
        c->failed = true;
        return NULL;
    }
    c->p += n;
    c->left -= (size_t)n;
    return p;
}

uint8_t
mysql_take_u8(struct mysql_cursor *c)
{
    const uint8_t *p = take(c, 1);

    return p == NULL ? 0 : wire_get_u8(p);
}

uint16_t
mysql_take_u16(struct mysql_cursor *c)
{
    const uint8_t *p = take(c, 2);

    return p == NULL ? 0 : wire_get_u16le(p);
}

uint32_t
mysql_take_u24(struct mysql_cursor *c)
{
    const uint8_t *p = take(c, 3);

    return p == NULL ? 0 : wire_get_u24le(p);
}

uint32_t
mysql_take_u32(struct mysql_cursor *c)
{
    const uint8_t *p = take(c, 4);

    return p == NULL ? 0 : wire_get_u32le(p);
}

static uint64_t
take_u64(struct mysql_cursor *c)
{
    const uint8_t *p = take(c, 8);

    return p == NULL ? 0 : wire_get_u64le(p);
}

uint64_t
mysql_take_lenenc(struct mysql_cursor *c)
{
    uint8_t first = mysql_take_u8(c);

    if (first <= LENENC_MAX_1)
        return first;
    if (first == LENENC_2)
        return mysql_take_u16(c);
    if (first == LENENC_3)
        return mysql_take_u24(c);
    if (first == LENENC_8)
        return take_u64(c);
    c->failed = true;
    return 0;
}

struct str
mysql_take_bytes(struct mysql_cursor *c, uint64_t n)
{
    const uint8_t *p = take(c, n);

    return p == NULL ? STR("") : str_make((const char *)p, (size_t)n);
}

struct str
mysql_take_text(struct mysql_cursor *c)
{
    return mysql_take_bytes(c, mysql_take_lenenc(c));
}

struct str
mysql_take_cstring(struct mysql_cursor *c)
{
    const uint8_t *end = NULL;
    struct str text;

    if (!c->failed && c->left > 0)
        end = memchr(c->p, 0, c->left);
    if (end == NULL) {
        c->failed = true;
        return STR("");
    }
    text = mysql_take_bytes(c, (uint64_t)(end - c->p));
    take(c, 1);
    return text;
}

struct str
mysql_take_rest(struct mysql_cursor *c)
{
    return mysql_take_bytes(c, c->left);
}

struct str
mysql_take_last(struct mysql_cursor *c)
{
    if (!c->failed && c->left > 0 && memchr(c->p, 0, c->left) != NULL)
        return mysql_take_cstring(c);
    return mysql_take_rest(c);
}
