/* SPDX-License-Identifier: MIT */
/*
 * Scripts that nobody calls any more, since they had to be interrupted too
 * often (board/strikes.h): the built-in behaviour takes the place of each of
 * their decisions until a newer version is swapped in.
 */
#ifndef SCRIPT_QUARANTINE_H
#define SCRIPT_QUARANTINE_H

#include <stdbool.h>

#include "board/strikes.h"
#include "script/script.h"

struct board;

/* A call of the script was ended by force; where that quarantines it,
 * BOARD (if not NULL) has an event. */
void quarantine_strike(struct board *board, const struct script *script,
                       enum strike_fault fault);

/* Is it quarantined, by whichever process? */
static inline bool
quarantine_holds(const struct script *script)
{
    return script->standing != NULL &&
           strikes_verdict(script->standing) != STRIKE_NONE;
}

/* May none of its hooks run or go on?  What is said of a version's successor is
 * not said of it. */
static inline bool
quarantine_bans(const struct script *script)
{
    return script->emptied ||
           (script->phase != SCRIPT_RETIRED && quarantine_holds(script));
}

/* A newer version takes over: the script starts anew. */
void script_lift(const struct script *script);

#endif
