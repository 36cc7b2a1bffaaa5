/* SPDX-License-Identifier: MIT */
/*
 * How often something has happened lately: counts in WINDOW_PARTS parts of a
 * span of time, of which the oldest is given up as time goes on.
 *
 *     [ 0 | 2 | 0 | … | 5 | 1 ]  a span; the last part is the present one
 */
#ifndef BASE_WINDOW_H
#define BASE_WINDOW_H

#include <stdint.h>

enum {
    WINDOW_PARTS = 20, /* what is counted may be this part of a span too old */
};

struct window {
    uint64_t span_ms;
    uint64_t part; /* number of the present one, from the clock's zero */
    uint64_t counts[WINDOW_PARTS];
};

/* An empty one. SPAN_MS is above 0. */
void window_init(struct window *w, uint64_t span_ms);

/* N more at NOW_MS, which never goes back. */
void window_add(struct window *w, uint64_t now_ms, uint64_t n);

/* How many in the span up to NOW_MS. */
uint64_t window_sum(struct window *w, uint64_t now_ms);

/* Forgets them. */
void window_clear(struct window *w);

#endif
