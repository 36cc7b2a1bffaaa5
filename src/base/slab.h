/* SPDX-License-Identifier: MIT */
/*
 * Objects of one size that come and go by the thousands, in blocks of their
 * own: whatever else lives on the heap cannot pin their pages, and a block goes
 * back to the system when its last object has gone.
 *
 *     block [ head | object | free ─▶ free ─▶ … ]   SLAB_BLOCK bytes, aligned
 *                                                   to as many
 *
 * In a sanitized build each object is the heap's, so that its end is watched.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>

#include "base/list.h"

enum {
    SLAB_BLOCK = 65536,
    SLAB_OBJECT_MAX = 8192, /* bytes of an object */
};

/* All zero is an empty one. */
struct slab {
    struct list open; /* blocks with room; the last one that was freed into
                         first */
    size_t size;      /* of an object, rounded up; 0: none was taken yet */
    unsigned empty;   /* blocks without an object: at most one is kept */
    unsigned used;    /* objects */
    unsigned blocks;
};

/* SIZE bytes, the same at every call, aligned for any type and not cleared;
 * NULL with errno. */
void *slab_take(struct slab *slab, size_t size) __attribute__((malloc));

/* Gives an object of SLAB back; NULL does nothing. */
void slab_give(struct slab *slab, void *object);

/* Objects that there is memory for and that are not taken. */
unsigned slab_spare(const struct slab *slab);

/* Gives all memory back: no object is left by then. */
void slab_fini(struct slab *slab);

#endif
