/* SPDX-License-Identifier: MIT */
/*
 * Base64 (RFC 4648): section 4's alphabet with padding, section 5's, for URLs
 * and file names, without.
 *
 * Refused: any other byte, line ends included; a length that no bytes have;
 * bits behind the last byte that are not 0, so that one text alone stands for
 * some bytes; and with section 4's alphabet a missing '='.
 */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How many bytes N bytes need when encoded, at most. */
static inline size_t
base64_encoded_len(size_t n)
{
    return (n + 2) / 3 * 4;
}

/* How many bytes N bytes of text stand for, at most. */
static inline size_t
base64_decoded_len(size_t n)
{
    return (n + 3) / 4 * 3;
}

/* Encodes the N bytes at P into OUT, which has room for base64_encoded_len(N);
 * URL: section 5.  Returns how many bytes were written. */
size_t base64_encode(char *out, const uint8_t *p, size_t n, bool url);

/* Decodes the N bytes of text at P into OUT, which has room for
 * base64_decoded_len(N).  Returns how many bytes were written, or -1: it is no
 * base64.  Section 5's may be padded. */
ssize_t base64_decode(uint8_t *out, const char *p, size_t n, bool url);

#endif
