/* SPDX-License-Identifier: MIT */
/*
 * Strikes against a script, over all processes: one that has to be interrupted
 * again and again is quarantined, and is called by nobody until that is lifted.
 * Each step is one atomic; who dies between two of them loses a strike.
 */
#ifndef BOARD_STRIKES_H
#define BOARD_STRIKES_H

#include <stdbool.h>

#include "board/rows.h"

enum {
    STRIKES_WITHIN_MS = 60000, /* in which STRIKES_MAX are too many */
};

/* What a script has done. */
enum strike_fault {
    STRIKE_NONE,
    STRIKE_TIME,   /* used more than its CPU time */
    STRIKE_MEMORY, /* wanted more memory than scripts may have */
    STRIKE_STUCK,  /* had its process killed, as nothing interrupted it */
};

/* Counts a strike.  Whether this one quarantined the script. */
bool strikes_add(struct script_row *row, enum strike_fault fault);

/* Quarantines it at once.  Whether it was not yet. */
bool strikes_condemn(struct script_row *row, enum strike_fault fault);

/* Forgets all strikes and lifts the quarantine. */
void strikes_lift(struct script_row *row);

/* Why it is quarantined; STRIKE_NONE: it is not. */
static inline enum strike_fault
strikes_verdict(const struct script_row *row)
{
    return (enum strike_fault)atomic_load_explicit(&row->verdict,
                                                   memory_order_relaxed);
}

/* That, in words that follow "quarantined: "; "" for STRIKE_NONE. */
const char *strikes_words(enum strike_fault verdict);

#endif
