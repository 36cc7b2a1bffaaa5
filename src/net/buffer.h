/* SPDX-License-Identifier: MIT */
/*
 * I/O buffers of one size, kept in a list of the process and lent to whoever
 * has bytes under way; an idle connection has none.
 *
 *      data [ taken | bytes | room ]
 *                  start   end   BUFFER_SIZE
 */
#ifndef NET_BUFFER_H
#define NET_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BUFFER_SIZE = 16384,   /* bytes of data in a buffer */
    BUFFER_KEEP_MAX = 256, /* unused ones that are kept; the rest is freed */
};

struct buffer {
    struct buffer *next; /* for whoever holds it, and in the pool */
    uint32_t start;      /* the first byte not yet taken */
    uint32_t end;        /* one behind the last byte */
    uint8_t data[BUFFER_SIZE];
};

struct buffer_pool {
    struct buffer *free;
    unsigned free_count;
    unsigned lent_count;
};

void buffer_pool_init(struct buffer_pool *pool);
void buffer_pool_fini(struct buffer_pool *pool);

/* An empty buffer, or NULL without memory. */
struct buffer *buffer_take(struct buffer_pool *pool);

/* Gives it back; NULL does nothing. */
void buffer_give(struct buffer_pool *pool, struct buffer *buffer);

static inline size_t
buffer_len(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline size_t
buffer_room(const struct buffer *buffer)
{
    return BUFFER_SIZE - buffer->end;
}

/* Moves the bytes to the front, to have all the room behind them. */
void buffer_compact(struct buffer *buffer);

/* Takes N bytes off the front. */
static inline void
buffer_skip(struct buffer *buffer, size_t n)
{
    buffer->start += (uint32_t)n;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}

#endif
