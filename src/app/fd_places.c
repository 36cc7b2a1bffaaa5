/* SPDX-License-Identifier: MIT */
#include "app/fd_places.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/parcel.h"

enum {
    PLACES_MAX = 1 << 20, /* of one configuration */
};

static int
make_room(struct fd_places *p, size_t count)
{
    int *fds;

    if (count <= p->count)
        return 0;
    fds = realloc(p->fds, count * sizeof(*fds));
    if (fds == NULL)
        return -1;
    for (size_t i = p->count; i < count; i++)
        fds[i] = -1;
    p->fds = fds;
    p->count = count;
    return 0;
}

static int
put(struct fd_places *p, struct str place, int fd)
{
    uint64_t i;

    if (str_to_uint(&i, place, PLACES_MAX - 1) < 0 ||
        make_room(p, (size_t)i + 1) < 0)
        return -1;
    if (p->fds[i] >= 0)
        close(p->fds[i]);
    p->fds[i] = fd;
    return 0;
}

void
fd_places_take(struct fd_places *p, const struct message *m)
{
    struct parcel_reader reader = parcel_open(m);
    struct str place;
    int fd;

    while (parcel_next(&place, &fd, &reader)) {
        if (put(p, place, fd) < 0)
            close(fd);
    }
}

bool
fd_places_are_whole(const struct fd_places *p, size_t count)
{
    if (count > p->count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (p->fds[i] < 0)
            return false;
    }
    return true;
}

void
fd_places_forget(struct fd_places *p)
{
    free(p->fds);
    *p = (struct fd_places){.count = 0};
}

void
fd_places_close(struct fd_places *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->fds[i] >= 0)
            close(p->fds[i]);
    }
    fd_places_forget(p);
}
