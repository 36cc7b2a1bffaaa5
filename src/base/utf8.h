/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 (RFC 3629): no overlong forms, no surrogates, none above U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum {
    UTF8_MAX = 4, /* bytes of a sequence */
};

/* The bytes of the sequence of 2 to 4 bytes at P, of N > 0; 0 when it is none:
 * ASCII is the caller's. */
size_t utf8_len(const uint8_t *p, size_t n);

/* Writes the character POINT, which is no surrogate and at most U+10FFFF;
 * returns how many bytes. */
size_t utf8_write(char out[UTF8_MAX], uint32_t point);

#endif
