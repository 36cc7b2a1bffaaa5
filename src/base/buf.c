/* SPDX-License-Identifier: MIT */
/*
 * The slow paths of the writer: growing, and formatting.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BUF_FIRST_CAP = 256, /* of a growing buffer; it doubles from there */
};

void
buf_init(struct buf *b, void *mem, size_t cap)
{
    *b = (struct buf){.p = mem, .cap = cap};
}

void
buf_init_growing(struct buf *b, size_t limit)
{
    *b = (struct buf){.limit = limit};
}

void
buf_init_growing_in(struct buf *b, void *mem, size_t cap, size_t limit)
{
    *b = (struct buf){.p = mem, .cap = cap, .limit = limit};
}

void
buf_fini(struct buf *b)
{
    if (b->on_heap)
        free(b->p);
    *b = (struct buf){.limit = b->limit};
}

void
buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

/* Room for N more, in powers of two, and never beyond the limit. */
static size_t
next_cap(const struct buf *b, size_t n)
{
    size_t cap = b->cap == 0 ? BUF_FIRST_CAP : b->cap;

    while (cap - b->len < n)
        cap *= 2;
    return cap < b->limit ? cap : b->limit;
}

char *
buf_grow(struct buf *b, size_t n)
{
    char *p;
    size_t cap;

    if (b->failed || b->limit <= b->len || n > b->limit - b->len)
        goto fail;
    cap = next_cap(b, n);
    p = realloc(b->on_heap ? b->p : NULL, cap);
    if (p == NULL)
        goto fail;
    if (!b->on_heap && b->len > 0)
        memcpy(p, b->p, b->len);
    b->p = p;
    b->on_heap = true;
    b->cap = cap;
    return b->p + b->len;

fail:
    b->failed = true;
    return NULL;
}

void
buf_uint(struct buf *b, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buf_add(b, digits + at, sizeof(digits) - at);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    size_t room = b->cap - b->len;
    int n;

    if (b->failed)
        return;
    va_start(args, fmt);
    n = vsnprintf(room == 0 ? NULL : b->p + b->len, room, fmt, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
        return;
    }
    if ((size_t)n >= room) {
        char *to = buf_reserve(b, (size_t)n + 1);

        if (to == NULL)
            return;
        va_start(args, fmt);
        vsnprintf(to, (size_t)n + 1, fmt, args);
        va_end(args);
    }
    b->len += (size_t)n;
}
