/* SPDX-License-Identifier: MIT */
/*
 * Reads the fields of one whole MySQL packet from its first byte to its last.
 * What is cut off sets the sticky `failed`, and from then on fields are 0 and
 * texts are empty: read in straight lines, check once at the end.
 *
 * Field types: the manual's "Integer Types" and "String Types".
 */
#ifndef CODEC_MYSQL_CURSOR_H
#define CODEC_MYSQL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct mysql_cursor {
    const uint8_t *p;
    size_t left; /* bytes from p on */
    bool failed; /* something was cut off, or no number */
};

void mysql_cursor_init(struct mysql_cursor *c, const uint8_t *p, size_t n);

/* int<1>, int<2>, int<3>, int<4>. */
uint8_t mysql_take_u8(struct mysql_cursor *c);
uint16_t mysql_take_u16(struct mysql_cursor *c);
uint32_t mysql_take_u24(struct mysql_cursor *c);
uint32_t mysql_take_u32(struct mysql_cursor *c);

/* int<lenenc>, in 1, 3, 4 or 9 bytes; 0xfb (NULL) and 0xff are none. */
uint64_t mysql_take_lenenc(struct mysql_cursor *c);

/* string<fix>: N bytes. */
struct str mysql_take_bytes(struct mysql_cursor *c, uint64_t n);

/* string<lenenc>. */
struct str mysql_take_text(struct mysql_cursor *c);

/* string<NUL>, without it. */
struct str mysql_take_cstring(struct mysql_cursor *c);

/* string<EOF>: all that is left. */
struct str mysql_take_rest(struct mysql_cursor *c);

/* string<NUL> where some leave out the NUL at a packet's end, or the text. */
struct str mysql_take_last(struct mysql_cursor *c);

#endif
