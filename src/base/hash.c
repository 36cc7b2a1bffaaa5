/* SPDX-License-Identifier: MIT */
/*
 * MurmurHash3, sdbm, and an open-addressing table with linear probing, at most
 * half full. Keys are never removed, so a probe ends at the first free entry.
 */
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>

enum {
    MAP_FIRST_CAPACITY = 16,
};

struct map_entry {
    struct str key;
    void *value; /* NULL: a free entry */
};

static uint32_t
rotate(uint32_t n, unsigned bits)
{
    return n << bits | n >> (32 - bits);
}

static uint32_t
mix_block(uint32_t k)
{
    return rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
}

uint32_t
hash_murmur(const void *p, size_t n, uint32_t seed)
{
    const unsigned char *bytes = p;
    uint32_t h = seed;
    uint32_t tail = 0;
    size_t i;

    for (i = 0; i + 4 <= n; i += 4) {
        uint32_t k = (uint32_t)bytes[i] | (uint32_t)bytes[i + 1] << 8 |
                     (uint32_t)bytes[i + 2] << 16 |
                     (uint32_t)bytes[i + 3] << 24;

        h = rotate(h ^ mix_block(k), 13) * 5 + 0xe6546b64u;
    }
    for (size_t j = n; j > i; j--)
        tail = tail << 8 | bytes[j - 1];
    h ^= mix_block(tail);

    h ^= (uint32_t)n;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

/* Each byte multiplies what was before it, so that one would have to wait for
 * another. Of four bytes only the last sum waits. */
uint32_t
hash_sdbm(const void *p, size_t n)
{
    const uint32_t k1 = 65599;
    const uint32_t k2 = k1 * k1;
    const uint32_t k3 = k2 * k1;
    const uint32_t k4 = k3 * k1;
    const unsigned char *bytes = p;
    uint32_t h = 0;
    size_t i;

    for (i = 0; i + 4 <= n; i += 4)
        h = h * k4 + (bytes[i] * k3 + bytes[i + 1] * k2 + bytes[i + 2] * k1 +
                      bytes[i + 3]);
    for (; i < n; i++)
        h = h * k1 + bytes[i];
    return h;
}

void
map_init(struct map *m)
{
    *m = (struct map){0};
}

void
map_fini(struct map *m)
{
    free(m->entries);
    map_init(m);
}

/* The entry of KEY, or the free one where it would go. */
static struct map_entry *
find_entry(struct map_entry *entries, size_t capacity, struct str key)
{
    size_t i = hash_murmur(key.p, key.len, 0) & (capacity - 1);

    while (entries[i].value != NULL && !str_equal(entries[i].key, key))
        i = (i + 1) & (capacity - 1);
    return &entries[i];
}

static int
make_room(struct map *m)
{
    size_t capacity = m->capacity == 0 ? MAP_FIRST_CAPACITY : m->capacity * 2;
    struct map_entry *entries;

    if ((m->count + 1) * 2 <= m->capacity)
        return 0;
    entries = calloc(capacity, sizeof(*entries));
    if (entries == NULL)
        return -1;
    for (size_t i = 0; i < m->capacity; i++) {
        const struct map_entry *old = &m->entries[i];

        if (old->value != NULL)
            *find_entry(entries, capacity, old->key) = *old;
    }
    free(m->entries);
    m->entries = entries;
    m->capacity = capacity;
    return 0;
}

int
map_put(struct map *m, struct str key, void *value)
{
    struct map_entry *entry;

    if (make_room(m) < 0)
        return -1;
    entry = find_entry(m->entries, m->capacity, key);
    if (entry->value != NULL) {
        errno = EEXIST;
        return -1;
    }
    *entry = (struct map_entry){.key = key, .value = value};
    m->count++;
    return 0;
}

void *
map_get(const struct map *m, struct str key)
{
    if (m->capacity == 0)
        return NULL;
    return find_entry(m->entries, m->capacity, key)->value;
}
