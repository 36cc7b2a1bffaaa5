/* SPDX-License-Identifier: MIT */
/*
 * The configuration's memory while it is read: everything comes from the arena
 * that will hold the finished one, arrays grow by doubling inside of it, and
 * running out of memory exits, as at start-up it may.
 */
#ifndef CONFIG_MEMORY_H
#define CONFIG_MEMORY_H

#include <stddef.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/str.h"

/* N bytes, cleared. */
void *
memory_alloc(struct arena *arena, size_t n) __attribute__((returns_nonnull));

/* A copy with a NUL behind it; of an absent text an empty one. */
struct str memory_str(struct arena *arena, struct str text);

/* Formatted text with a NUL behind it. */
struct str memory_printf(struct arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* An array that grows: items of one size, in the arena. */
struct vec {
    void *items;
    size_t count;
    size_t capacity;
};

/* Adds one cleared item of SIZE bytes and returns it; the items before it may
 * have moved. */
void *vec_add(struct vec *vec, struct arena *arena, size_t size)
    __attribute__((returns_nonnull));

/* Notes VALUE (not NULL) under KEY, whose bytes the caller keeps as long as
 * SEEN, and returns NULL; or returns what is noted there already. */
const void *seen_add(struct map *seen, struct str key, const void *value);

#endif
