/* SPDX-License-Identifier: MIT */
#include "script/bundles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "script/bundle.h"

void
bundles_init(struct bundles *set)
{
    *set = (struct bundles){.items = NULL};
}

void
bundles_fini(struct bundles *set)
{
    for (size_t i = 0; i < set->count; i++)
        bundle_unref(set->items[i]);
    free(set->items);
    bundles_init(set);
}

static struct bundle **
find_place(const struct bundles *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->items[i]->name, name) == 0)
            return &set->items[i];
    }
    return NULL;
}

struct bundle *
bundles_find(const struct bundles *set, const char *name)
{
    struct bundle **place = find_place(set, name);

    return place == NULL ? NULL : *place;
}

int
bundles_reserve(struct bundles *set, size_t count)
{
    size_t capacity = set->count + count;
    struct bundle **items;

    if (capacity <= set->capacity)
        return 0;
    items = realloc(set->items, capacity * sizeof(struct bundle *));
    if (items == NULL)
        return -1;
    set->items = items;
    set->capacity = capacity;
    return 0;
}

int
bundles_put(struct bundles *set, struct bundle *bundle)
{
    struct bundle **place = find_place(set, bundle->name);
    struct bundle *old = place == NULL ? NULL : *place;

    if (place == NULL) {
        if (bundles_reserve(set, 1) < 0)
            return -1;
        place = &set->items[set->count++];
    }
    *place = bundle_ref(bundle);
    bundle_unref(old);
    return 0;
}

void
bundles_remove(struct bundles *set, const char *name)
{
    struct bundle **place = find_place(set, name);

    if (place == NULL)
        return;
    bundle_unref(*place);
    *place = set->items[--set->count];
}

int
bundles_seal(struct bundles *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (bundle_seal(set->items[i]) < 0)
            return -1;
    }
    return 0;
}

int
bundles_write(const struct bundles *set, int fd)
{
    off_t at = 0;

    for (size_t i = 0; i < set->count; i++) {
        if (bundle_write(set->items[i], fd, &at) < 0)
            return -1;
    }
    return 0;
}

static int
read_one(struct bundles *set, int fd, off_t *at)
{
    struct bundle *bundle = bundle_read(fd, at);
    int result;

    if (bundle == NULL)
        return -1;
    if (set->count == BUNDLES_MAX) {
        bundle_unref(bundle);
        errno = EBADMSG;
        return -1;
    }
    result = bundles_put(set, bundle);
    bundle_unref(bundle);
    return result;
}

int
bundles_read(struct bundles *set, int fd)
{
    struct stat st;
    off_t at = 0;

    bundles_init(set);
    if (fstat(fd, &st) < 0)
        return -1;
    while (at < st.st_size) {
        if (read_one(set, fd, &at) < 0) {
            bundles_fini(set);
            return -1;
        }
    }
    return 0;
}
