/* SPDX-License-Identifier: MIT */
#include "base/slab.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__

void *
slab_take(struct slab *slab, size_t size)
{
    void *object = malloc(size);

    assert(slab->size == 0 || slab->size == size);
    slab->used += object != NULL;
    slab->size = size;
    return object;
}

void
slab_give(struct slab *slab, void *object)
{
    slab->used -= object != NULL;
    free(object);
}

unsigned
slab_spare(const struct slab *slab)
{
    (void)slab;
    return 0;
}

void
slab_fini(struct slab *slab)
{
    (void)slab;
}

#else

enum {
    SLAB_ALIGN = 16, /* of every object */
};

struct slab_free {
    struct slab_free *next;
};

struct slab_block {
    struct list link; /* in slab->open, or in none: it is full */
    struct slab_free *free;
    char *fresh; /* what was never used begins here */
    unsigned used;
};

static size_t
round_up(size_t n)
{
    return (n + SLAB_ALIGN - 1) & ~(size_t)(SLAB_ALIGN - 1);
}

static char *
end_of(struct slab_block *block)
{
    return (char *)block + SLAB_BLOCK;
}

/* Maps twice as much and gives back what lies around an aligned block. */
static void *
map_aligned(void)
{
    const size_t size = 2 * (size_t)SLAB_BLOCK;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *block;
    size_t before;
    char *p;

    /* cppcheck-suppress invalidFunctionArg ; -1 is right without a file */
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    before = SLAB_BLOCK - (uintptr_t)p % SLAB_BLOCK;
    block = p + before;
    if (before < SLAB_BLOCK)
        (void)munmap(block + SLAB_BLOCK, SLAB_BLOCK - before);
    (void)munmap(p, before);
    return block;
}

static struct slab_block *
block_new(struct slab *slab)
{
    struct slab_block *block = map_aligned();

    if (block == NULL)
        return NULL;
    block->free = NULL;
    block->fresh = (char *)block + round_up(sizeof(*block));
    block->used = 0;
    list_init(&block->link);
    list_add_head(&slab->open, &block->link);
    slab->empty++;
    slab->blocks++;
    return block;
}

static void
block_free(struct slab *slab, struct slab_block *block)
{
    list_remove(&block->link);
    slab->empty--;
    slab->blocks--;
    (void)munmap(block, SLAB_BLOCK);
}

static bool
is_full(const struct slab *slab, struct slab_block *block)
{
    return block->free == NULL &&
           (size_t)(end_of(block) - block->fresh) < slab->size;
}

static void *
take_from(struct slab *slab, struct slab_block *block)
{
    struct slab_free *object = block->free;
    char *fresh = block->fresh;

    if (block->used++ == 0)
        slab->empty--;
    if (object != NULL)
        block->free = object->next;
    else
        block->fresh += slab->size;
    if (is_full(slab, block))
        list_remove(&block->link);
    return object != NULL ? (void *)object : fresh;
}

void *
slab_take(struct slab *slab, size_t size)
{
    struct slab_block *block;
    struct list *node;

    if (slab->size == 0) {
        assert(size > 0 && size <= SLAB_OBJECT_MAX);
        slab->size = round_up(size);
        list_init(&slab->open);
    }
    assert(slab->size == round_up(size));
    node = list_first(&slab->open);
    block = node != NULL ? container_of(node, struct slab_block, link)
                         : block_new(slab);
    if (block == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    slab->used++;
    return take_from(slab, block);
}

void
slab_give(struct slab *slab, void *object)
{
    uintptr_t at = (uintptr_t)object;
    struct slab_block *block = (void *)(at - at % SLAB_BLOCK);
    struct slab_free *node = object;

    if (object == NULL)
        return;
    slab->used--;
    node->next = block->free;
    block->free = node;
    if (list_empty(&block->link))
        list_add_head(&slab->open, &block->link);
    if (--block->used > 0)
        return;
    slab->empty++;
    if (slab->empty > 1)
        block_free(slab, block);
}

unsigned
slab_spare(const struct slab *slab)
{
    const size_t room = SLAB_BLOCK - round_up(sizeof(struct slab_block));

    return slab->size == 0
               ? 0
               : slab->blocks * (unsigned)(room / slab->size) - slab->used;
}

void
slab_fini(struct slab *slab)
{
    if (slab->size == 0)
        return;
    list_for_each_safe(node, &slab->open)
    {
        struct slab_block *block = container_of(node, struct slab_block, link);

        assert(block->used == 0);
        block_free(slab, block);
    }
}

#endif
