/* SPDX-License-Identifier: MIT */
#include "net/buffer.h"

#include <stdlib.h>
#include <string.h>

void
buffer_pool_init(struct buffer_pool *pool)
{
    pool->free = NULL;
    pool->free_count = 0;
    pool->lent_count = 0;
}

void
buffer_pool_fini(struct buffer_pool *pool)
{
    while (pool->free != NULL) {
        struct buffer *buffer = pool->free;

        pool->free = buffer->next;
        free(buffer);
    }
    pool->free_count = 0;
}

struct buffer *
buffer_take(struct buffer_pool *pool)
{
    struct buffer *buffer = pool->free;

    if (buffer != NULL) {
        pool->free = buffer->next;
        pool->free_count--;
    } else {
        buffer = malloc(sizeof(*buffer));
        if (buffer == NULL)
            return NULL;
    }
    pool->lent_count++;
    buffer->next = NULL;
    buffer->start = buffer->end = 0;
    return buffer;
}

void
buffer_give(struct buffer_pool *pool, struct buffer *buffer)
{
    if (buffer == NULL)
        return;
    pool->lent_count--;
    if (pool->free_count >= BUFFER_KEEP_MAX) {
        free(buffer);
        return;
    }
    buffer->next = pool->free;
    pool->free = buffer;
    pool->free_count++;
}

void
buffer_compact(struct buffer *buffer)
{
    size_t len = buffer_len(buffer);

    if (buffer->start == 0)
        return;
    memmove(buffer->data, buffer->data + buffer->start, len);
    buffer->start = 0;
    buffer->end = (uint32_t)len;
}
