/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that come in parcels (parcel.h) for a configuration which is not
 * there yet; the line of each is its place.
 */
#ifndef APP_FD_PLACES_H
#define APP_FD_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "app/message.h"

struct fd_places {
    int *fds; /* -1: none; NULL: none at all */
    size_t count;
};

/* Takes all that M brings. What has no place, or finds no memory, is closed,
 * and missed when it is looked for. */
void fd_places_take(struct fd_places *p, const struct message *m);

/* Is there one for each of the first COUNT places? */
bool fd_places_are_whole(const struct fd_places *p, size_t count);

/* They have other owners now. */
void fd_places_forget(struct fd_places *p);

/* Closes them. */
void fd_places_close(struct fd_places *p);

#endif
