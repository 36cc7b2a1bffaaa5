/* SPDX-License-Identifier: MIT */
/*
 * The versions that each script has had, in the master's memory: what is in use
 * is the last of them, and the one before it is what a rollback goes to.
 *
 *     a.lua   [v1][v2][v3]        reload:   pushes v4
 *                  ▲   └ in use   rollback: takes v3 off
 *                  └ confirmed    in time, unless v3 is confirmed: the same
 */
#ifndef APP_SWAP_HISTORY_H
#define APP_SWAP_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "net/timer.h"

struct board;
struct bundle;
struct bundles;
struct history;
struct loop;

enum {
    HISTORY_VERSIONS = 8,         /* of a script that are kept */
    HISTORY_BYTES_MAX = 64 << 20, /* of all that are not in use */
};

/* The versions of one script. */
struct versions {
    struct history *owner;
    struct bundle *bundles[HISTORY_VERSIONS]; /* the last one is in use */
    unsigned count;
    uint32_t generation;      /* since when it is */
    struct bundle *confirmed; /* comes back unless the one in use is confirmed;
                                 NULL: none does */
    uint64_t confirm_by_ms;   /* wall time */
    struct timer overdue;
    uint32_t refused; /* a hash of why the last attempt was; 0: it was not */
};

typedef void (*history_overdue_fn)(struct versions *versions);

struct history {
    struct loop *loop;
    struct board *board;
    history_overdue_fn on_overdue; /* it was not confirmed in time */
    struct versions **scripts;
    size_t count;
    size_t bytes; /* of versions that are not in use */
};

/* Begins with the version of each script in SET, of GENERATION. Start-up only:
 * memory. */
void history_init(struct history *h, struct loop *loop, struct board *board,
                  const struct bundles *set, uint32_t generation);
void history_fini(struct history *h);

/* Goes on with the scripts of SET alone: those that are new begin, those that
 * are other versions have GENERATION. Memory as at the start. */
void history_rebase(struct history *h, const struct bundles *set,
                    uint32_t generation);

/* The versions of the script whose row or file is called NAME; NULL. */
struct versions *history_find(const struct history *h, struct str name);

/* The one in use, which is always there, and the one before; NULL: none. */
struct bundle *history_current(const struct versions *v);
struct bundle *history_previous(const struct versions *v);

/* BUNDLE is in use from GENERATION on. CONFIRM_MS: after that time on_overdue
 * is called unless it is confirmed; 0: it need not be. */
void history_push(struct versions *v, struct bundle *bundle,
                  uint32_t generation, uint64_t confirm_ms);

/* The same where nobody says whether it is to stay: one that waits to be
 * confirmed is waited for still. */
void
history_follow(struct versions *v, struct bundle *bundle, uint32_t generation);

/* BUNDLE, an earlier one, is in use again, and what came after it forgotten.
 * It need not be confirmed. */
void
history_return(struct versions *v, struct bundle *bundle, uint32_t generation);

/* The version in use stays. False: it had not to be confirmed. */
bool history_confirm(struct versions *v);

/* Is quarantined, as the board says. */
bool history_is_quarantined(const struct versions *v);

#endif
