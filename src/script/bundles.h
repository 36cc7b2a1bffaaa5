/* SPDX-License-Identifier: MIT */
/*
 * Bundles (bundle.h) of several scripts: those that a process serves with, or
 * those that are to be swapped in.
 */
#ifndef SCRIPT_BUNDLES_H
#define SCRIPT_BUNDLES_H

#include <stddef.h>

#include "base/mem.h"

struct bundle;

enum {
    BUNDLES_MAX = 20000, /* of a set that is read; more than scripts can be */
};

/* A set of bundles, one for each script's name. */
struct bundles {
    struct bundle **items; /* each is held */
    size_t count;
    size_t capacity;
};

void bundles_init(struct bundles *set);
void bundles_fini(struct bundles *set);

/* That of the script NAME; NULL: there is none. */
struct bundle *bundles_find(const struct bundles *set, const char *name);

/* Holds BUNDLE in place of the one of the same name.  -1 without memory, never
 * after bundles_reserve. */
int bundles_put(struct bundles *set, struct bundle *bundle) MUST_CHECK;

/* Lets the one of this name go, if there is one. */
void bundles_remove(struct bundles *set, const char *name);

/* Makes room for COUNT more. */
int bundles_reserve(struct bundles *set, size_t count) MUST_CHECK;

/* Seals all. */
int bundles_seal(struct bundles *set) MUST_CHECK;

/* Writes all, from the start of FD, a file or memfd that is empty; reads what
 * such a one has into SET, which is made.  -1 with errno, as bundle_write and
 * bundle_read say; there is no set then. */
int bundles_write(const struct bundles *set, int fd) MUST_CHECK;
int bundles_read(struct bundles *set, int fd) MUST_CHECK;

#endif
