/* SPDX-License-Identifier: MIT */
#include "codec/mysql_framer.h"

#include <string.h>

#include "base/wire.h"

void
mysql_framer_init(struct mysql_framer *framer)
{
    *framer = (struct mysql_framer){.part = MYSQL_FRAME_IN_HEADER};
}

bool
mysql_framer_is_between(const struct mysql_framer *framer)
{
    return framer->part == MYSQL_FRAME_IN_HEADER && framer->header_len == 0 &&
           !framer->continues;
}

/* The whole header is there. */
static void
begin_packet(struct mysql_framer *framer)
{
    framer->header_len = 0;
    framer->left = wire_get_u24le(framer->header);
    framer->sequence = framer->header[3];
    framer->full = framer->left == MYSQL_PACKET_FULL;
    framer->part = MYSQL_FRAME_IN_PAYLOAD;
    if (framer->continues)
        return;
    framer->part = MYSQL_FRAME_IN_HEAD;
    framer->len = framer->left;
    framer->head_len = framer->left;
    if (framer->head_len > MYSQL_FRAME_HEAD_LEN)
        framer->head_len = MYSQL_FRAME_HEAD_LEN;
    framer->stored = 0;
}

/* Takes bytes of a header; returns how many. */
static size_t
take_header(struct mysql_framer *framer, uint8_t *p, size_t n)
{
    size_t step = MYSQL_HEADER_LEN - framer->header_len;

    if (step > n)
        step = n;
    if (step == 0)
        return 0;
    memcpy(framer->header + framer->header_len, p, step);
    framer->header_len += step;
    if (framer->header_len < MYSQL_HEADER_LEN)
        return step;
    if (framer->offset != 0)
        p[step - 1] = (uint8_t)(p[step - 1] + framer->offset);
    begin_packet(framer);
    return step;
}

/* Takes bytes of a head: where they come together they stay where they are. */
static size_t
take_head(struct mysql_framer *framer, const uint8_t *p, size_t n)
{
    size_t wanted = framer->head_len - framer->stored;

    if (framer->stored == 0 && n >= wanted) {
        framer->head = p;
    } else {
        if (n < wanted)
            wanted = n;
        if (wanted > 0)
            memcpy(framer->store + framer->stored, p, wanted);
        framer->stored += wanted;
        framer->head = framer->store;
        if (framer->stored < framer->head_len)
            return wanted;
    }
    framer->part = MYSQL_FRAME_IN_PAYLOAD;
    return wanted;
}

/* Lets the rest of a packet pass. */
static size_t
skip_payload(struct mysql_framer *framer, size_t n)
{
    if (n < framer->left) {
        framer->left -= (uint32_t)n;
        return n;
    }
    n = framer->left;
    framer->left = 0;
    framer->part = MYSQL_FRAME_IN_HEADER;
    framer->continues = framer->full;
    return n;
}

enum mysql_frame
mysql_framer_next(struct mysql_framer *framer, uint8_t *p, size_t n,
                  size_t *used)
{
    enum mysql_frame_part part;
    size_t at = 0, taken = 0;

    do {
        part = framer->part;
        switch (part) {
        case MYSQL_FRAME_IN_HEADER:
            taken = take_header(framer, p + at, n - at);
            break;
        case MYSQL_FRAME_IN_HEAD:
            taken = take_head(framer, p + at, n - at);
            framer->left -= (uint32_t)taken;
            break;
        case MYSQL_FRAME_IN_PAYLOAD:
            taken = skip_payload(framer, n - at);
            break;
        }
        at += taken;
        *used = at;
        if (framer->part == part)
            return MYSQL_FRAME_MORE;
        if (part == MYSQL_FRAME_IN_HEAD)
            return MYSQL_FRAME_HEAD;
    } while (part != MYSQL_FRAME_IN_PAYLOAD || framer->continues);
    return MYSQL_FRAME_END;
}
