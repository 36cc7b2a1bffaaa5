/* SPDX-License-Identifier: MIT */
/*
 * The new program's side of an upgrade: its master tells the older one when all
 * is ready, and begins when that one has let go.
 *
 *     children fork, load, wait ─▶ READY ─▶ older master
 *                                           stops its control
 *     they serve ◀──────────────── BEGIN ◀──┘
 */
#ifndef APP_TAKEOVER_H
#define APP_TAKEOVER_H

#include <stdbool.h>

#include "net/loop.h"

struct resources;

typedef void (*takeover_fn)(void *owner);

struct takeover {
    struct resources *resources;
    struct watch watch;
    takeover_fn on_begin;
    void *owner;
    bool waits;     /* it is not begun yet */
    bool told;      /* that all is ready */
    bool abandoned; /* the older master is gone */
};

/* Does nothing where there is no older program. ON_BEGIN with OWNER is called
 * once, when RESOURCES are this program's. 0, or -1 with errno. */
int takeover_start(struct takeover *t, struct loop *loop,
                   struct resources *resources, takeover_fn on_begin,
                   void *owner) MUST_CHECK;
void takeover_stop(struct takeover *t);

/* All children are ready. */
void takeover_ready(struct takeover *t);

#endif
