/* SPDX-License-Identifier: MIT */
/*
 * What the service manager hears of the master while it runs (notify.h): its
 * states, a line of figures, and, where a watchdog is set, that all is well.
 *
 * All is well while every worker's loop turns. Where one does not, and the
 * master's own means (stuck.h) do not help in the watchdog's time either, it
 * is the service manager's turn.
 */
#ifndef APP_MANAGER_H
#define APP_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"

struct board;

enum {
    MANAGER_TEXT_MAX = 128,
};

struct manager {
    struct loop *loop; /* NULL: nobody is to be told */
    const struct board *board;
    const unsigned *numbers; /* [workers] their rows */
    unsigned workers;
    uint64_t tick_ms;
    struct timer tick;
    bool ready;
    bool reloading;
    char status[MANAGER_TEXT_MAX]; /* the last one told */
};

/* Tells of the WORKERS whose rows on BOARD are NUMBERS, which stay. Without a
 * service manager this and the others do nothing. */
void
manager_start(struct manager *m, struct loop *loop, const struct board *board,
              const unsigned *numbers, unsigned workers);
void manager_stop(struct manager *m);

/* All serve. */
void manager_ready(struct manager *m);

/* The configuration is read again; and, BUSY or not, that is over. */
void manager_reloading(struct manager *m);
void manager_reloaded(struct manager *m, bool busy);

void manager_stopping(struct manager *m);

#endif
