/* SPDX-License-Identifier: MIT */
/*
 * Hashes of bytes, and a table from text to pointers that is filled at start
 * and then only read.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

/* MurmurHash3 (x86, 32 bits). Not for secrets. */
uint32_t hash_murmur(const void *p, size_t n, uint32_t seed);

/* sdbm's hash, which HAProxy takes unless told otherwise. Not for secrets. */
uint32_t hash_sdbm(const void *p, size_t n);

struct map_entry;

struct map {
    struct map_entry *entries; /* capacity of them, a power of two */
    size_t capacity;           /* 0: nothing allocated yet */
    size_t count;              /* keys in it */
};

/* An empty map. */
void map_init(struct map *m);

/* Gives the table back; keys and values are the caller's. */
void map_fini(struct map *m);

/* Adds KEY, whose bytes the caller keeps as long as the map, with VALUE (not
 * NULL). -1 with EEXIST if the key is there already, or ENOMEM. */
int map_put(struct map *m, struct str key, void *value)
    __attribute__((warn_unused_result));

/* The value of KEY, or NULL. */
void *map_get(const struct map *m, struct str key);

#endif
