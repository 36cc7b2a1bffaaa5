/* SPDX-License-Identifier: MIT */
/*
 * Blocks form a stack: the newest is the one in use, the oldest is the one that
 * a reset keeps. Blocks double in size, so their number stays small.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BLOCK_MAX = 64 * 1024, /* doubling ends here */
};

struct arena_block {
    struct arena_block *older;
    size_t size; /* bytes of data */
    alignas(ARENA_ALIGN) char data[];
};

static size_t
round_up(size_t n)
{
    return (n + (ARENA_ALIGN - 1)) & ~(size_t)(ARENA_ALIGN - 1);
}

void
arena_init(struct arena *a, size_t first_block_size)
{
    *a = (struct arena){.block_size = round_up(first_block_size)};
}

static void
use_block(struct arena *a, struct arena_block *block)
{
    a->block = block;
    a->p = block->data;
    a->end = block->data + block->size;
}

void
arena_reset(struct arena *a)
{
    struct arena_block *block = a->block;

    if (block == NULL)
        return;
    while (block->older != NULL) {
        struct arena_block *older = block->older;

        free(block);
        block = older;
    }
    use_block(a, block);
}

void
arena_fini(struct arena *a)
{
    arena_reset(a);
    free(a->block);
    arena_init(a, a->block_size);
}

static int
add_block(struct arena *a, size_t size)
{
    struct arena_block *block = malloc(sizeof(*block) + size);

    if (block == NULL)
        return -1;
    block->older = a->block;
    block->size = size;
    use_block(a, block);
    return 0;
}

void *
arena_grow(struct arena *a, size_t n)
{
    size_t size;

    if (n > SIZE_MAX / 2)
        return NULL;
    /* A large request gets a block behind the first, which would otherwise
     * stay large for good. */
    if (a->block == NULL && add_block(a, a->block_size) < 0)
        return NULL;
    size = a->block->size >= ARENA_BLOCK_MAX ? ARENA_BLOCK_MAX
                                             : a->block->size * 2;
    n = round_up(n);
    if (n > (size_t)(a->end - a->p) && add_block(a, n > size ? n : size) < 0)
        return NULL;

    void *result = a->p;
    a->p += n;
    return result;
}

void *
arena_memdup(struct arena *a, const void *p, size_t n)
{
    void *copy = arena_alloc(a, n);

    if (copy != NULL && n > 0)
        memcpy(copy, p, n);
    return copy;
}

char *
arena_strndup(struct arena *a, const char *p, size_t n)
{
    char *copy = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;

    if (copy == NULL)
        return NULL;
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}
