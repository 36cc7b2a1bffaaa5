/* SPDX-License-Identifier: MIT */
/*
 * A writer of bytes into memory of fixed or growing size. What does not fit
 * sets the sticky `failed`, and nothing is written from then on: write in
 * straight lines, check once at the end.
 *
 *     p [ written written | free           ]
 *                        len             cap <= limit
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
    char *p;      /* the memory */
    size_t len;   /* bytes written */
    size_t cap;   /* bytes that fit without growing */
    size_t limit; /* it may grow to this, on the heap; 0: it does not grow */
    bool on_heap; /* the memory is its own */
    bool failed;  /* something did not fit, or there was no memory */
};

/* Writes into the CAP bytes at MEM, which stay the caller's. */
void buf_init(struct buf *b, void *mem, size_t cap);

/* Writes into the heap, up to LIMIT (> 0) bytes; end with buf_fini. */
void buf_init_growing(struct buf *b, size_t limit);

/* The same, but begins in the CAP bytes at MEM, which stay the caller's: the
 * heap is for what does not fit there. */
void buf_init_growing_in(struct buf *b, void *mem, size_t cap, size_t limit);

/* Gives a growing buffer's memory back. */
void buf_fini(struct buf *b);

/* Empties it and clears `failed`; keeps the memory. */
void buf_reset(struct buf *b);

/* The slow path of buf_reserve: takes more memory, or fails. */
char *buf_grow(struct buf *b, size_t n);

/* Room for N more bytes at the end, to be written by the caller, who then adds
 * what was used to b->len. NULL, and `failed`, if they do not fit. */
static inline char *
buf_reserve(struct buf *b, size_t n)
{
    if (b->failed || n > b->cap - b->len)
        return buf_grow(b, n);
    return b->p + b->len;
}

/* Appends N bytes, all or none. */
static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
    char *to;

    if (n == 0 || (to = buf_reserve(b, n)) == NULL)
        return;
    memcpy(to, p, n);
    b->len += n;
}

static inline void
buf_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.len);
}

static inline void
buf_char(struct buf *b, char c)
{
    char *to = buf_reserve(b, 1);

    if (to == NULL)
        return;
    *to = c;
    b->len++;
}

/* Appends a decimal number. */
void buf_uint(struct buf *b, uint64_t n);

/* Appends formatted text, all or nothing. A fixed buffer needs one byte of room
 * more than the text for the NUL that snprintf writes. */
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What was written, valid until the next write. */
static inline struct str
buf_text(const struct buf *b)
{
    return str_make(b->p, b->len);
}

#endif
