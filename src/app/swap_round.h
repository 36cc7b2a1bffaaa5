/* SPDX-License-Identifier: MIT */
/*
 * One agreement between the master and all its children about scripts that are
 * to be exchanged: all of them do it, or none.
 *
 *              all serve           all say YES
 *     WAITING ───────────▶ STAGING ───────────▶ COMMITTING
 *      ▲ │ ▲                │  │                   │
 *      │ │ └─ first to end ─┘  │                   │ all are DONE
 * start│ │ late                │ NO, late,         │ or have ended
 *      │ ▼                     ▼ another one ends  ▼
 *     IDLE ◀──────────── on_end, refused        on_end ──▶ IDLE
 *
 * From on_agreed on there is no way back: a child that ends counts as done,
 * since the one in its place is forked with what is committed, and one that
 * does not answer is ended by force.
 */
#ifndef APP_SWAP_ROUND_H
#define APP_SWAP_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "app/child.h"
#include "base/str.h"
#include "net/loop.h"

struct board;
struct swap_round;

enum swap_round_state {
    ROUND_IDLE,       /* nothing is under way */
    ROUND_WAITING,    /* for children that do not serve yet */
    ROUND_STAGING,    /* the children load */
    ROUND_COMMITTING, /* the children exchange */
};

/* All have loaded: notes what serves from now on, and returns its generation.
 */
typedef uint32_t (*swap_agreed_fn)(struct swap_round *round);

/* It is over: all have EXCHANGED, or it was refused, WHY, in lines. */
typedef void (*swap_end_fn)(struct swap_round *round, bool exchanged,
                            struct str why);

/* CHILD is about to be asked to stage: -1 with errno, where it cannot be told
 * what belongs to it. */
typedef int (*swap_stage_fn)(struct swap_round *round,
                             const struct child *child);

struct swap_part; /* what one child has said */

/* The owner sets the first part of it before swap_round_init. */
struct swap_round {
    struct loop *loop;
    const struct board *board;
    struct child *control;
    struct child *workers;
    unsigned worker_count;
    swap_stage_fn on_stage;
    swap_agreed_fn on_agreed;
    swap_end_fn on_end;

    enum swap_round_state state;
    int fd;          /* what is loaded; the caller's */
    uint32_t number; /* of the attempt */
    uint32_t generation;
    bool again;              /* a child has ended in this one already */
    uint64_t since_ms;       /* of the state */
    struct swap_part *parts; /* control's, then those of the workers */
    struct timer tick;
};

/* Start-up only: memory. */
void swap_round_init(struct swap_round *r);
void swap_round_fini(struct swap_round *r);

/* Begins one about the bundles that FD holds; none is under way. on_end may be
 * called before it returns. */
void swap_round_start(struct swap_round *r, int fd);

/* CHILD has said something about it; others' words are left alone. */
void swap_round_message(struct swap_round *r, const struct child *child,
                        const struct message *m);

/* CHILD has ended. */
void swap_round_child_ended(struct swap_round *r, const struct child *child);

/* Refuses the one under way for the reason WHY, unless all have agreed. */
void swap_round_cancel(struct swap_round *r, const char *why);

#endif
