/* SPDX-License-Identifier: MIT */
/*
 * The Range request field (RFC 9110, 14.1 and 14.2) against a known length.
 */
#ifndef CODEC_RANGE_H
#define CODEC_RANGE_H

#include <stdint.h>

#include "base/str.h"

enum {
    RANGE_MAX = 32, /* ranges of one request; more are ignored */
};

enum range_result {
    RANGE_IGNORED = 0,        /* answer 200 with the whole */
    RANGE_UNSATISFIABLE = -1, /* answer 416 */
};

/* Bytes first to last, both included. */
struct range {
    int64_t first; /* >= 0 */
    int64_t last;  /* >= first, < the length */
};

/* Reads a Range field's VALUE for a representation of LENGTH bytes (>= 0) and
 * writes the ranges that lie in it, cut to it, into OUT, in their order.
 * Returns how many, or RANGE_UNSATISFIABLE if all lie outside. RANGE_IGNORED
 * is the answer to units other than bytes, to what is not well formed, to more
 * than RANGE_MAX ranges, as in nginx to ranges that together are longer than
 * the whole, and where there is nothing to take a part of. If-Range is the
 * caller's to look at. */
int range_read(struct range out[RANGE_MAX], struct str value, int64_t length)
    __attribute__((warn_unused_result));

#endif
