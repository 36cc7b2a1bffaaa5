/* SPDX-License-Identifier: MIT */
/*
 * What all processes share: the board, the numbers that this program's workers
 * have on it, and the eventfd that wakes control. After an upgrade they are
 * those of the older program, if its board lies as this one knows it.
 */
#ifndef APP_SHARED_H
#define APP_SHARED_H

#include <stdbool.h>

#include "base/mem.h"

struct addresses;
struct board;
struct config;
struct inherit;

struct shared {
    struct board *board;
    unsigned *numbers; /* [worker] on the board */
    unsigned count;
    int log_wake;      /* the eventfd by which workers wake control */
    int stats_link[2]; /* control reads what workers write (stats_server.h) */
    bool adopted;      /* they are an older program's, too */
    char why_new[128]; /* why they are not, where there is an older program */
};

/* Makes it, or takes it from INHERIT; for so many WORKERS. 0, or -1, which has
 * been logged. End with shared_close either way. */
int shared_open(struct shared *s, struct inherit *inherit,
                const struct config *config, const struct addresses *addresses,
                unsigned workers) MUST_CHECK;
void shared_close(struct shared *s);

#endif
