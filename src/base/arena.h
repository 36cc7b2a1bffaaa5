/* SPDX-License-Identifier: MIT */
/*
 * Memory that is given back all at once: a session allocates from its arena and
 * resets it between requests. Nothing is allocated before the first use.
 *
 *     first -> [ used used used | free      ]   kept by arena_reset
 *     later -> [ used | free                ]   given back by arena_reset
 *                     p         end
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

enum {
    ARENA_ALIGN = 16, /* of every result; fits any type */
};

struct arena_block;

struct arena {
    char *p;                   /* where the next allocation begins */
    char *end;                 /* of the block in use */
    struct arena_block *block; /* the block in use; each links to the former */
    size_t block_size;         /* bytes of the first block */
};

/* An empty arena whose first block will hold FIRST_BLOCK_SIZE bytes. */
void arena_init(struct arena *a, size_t first_block_size);

/* Gives all memory back; the arena may be used again at once. */
void arena_fini(struct arena *a);

/* Forgets all allocations; keeps the first block for the next ones. */
void arena_reset(struct arena *a);

/* The slow path of arena_alloc: takes another block. */
void *arena_grow(struct arena *a, size_t n);

/* N bytes, aligned, not cleared, valid until the next reset; NULL without
 * memory. For N = 0 a pointer that must not be read through. */
static inline void *
arena_alloc(struct arena *a, size_t n)
{
    size_t room = (size_t)(a->end - a->p);
    size_t need = (n + (ARENA_ALIGN - 1)) & ~(size_t)(ARENA_ALIGN - 1);
    void *result = a->p;

    if (need < n || need > room || result == NULL)
        return arena_grow(a, n);
    a->p += need;
    return result;
}

/* A copy of N bytes at P; NULL without memory. */
void *arena_memdup(struct arena *a, const void *p, size_t n);

/* A copy of N bytes at P with a NUL behind them; NULL without memory. */
char *arena_strndup(struct arena *a, const char *p, size_t n);

#endif
