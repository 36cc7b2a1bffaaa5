/* SPDX-License-Identifier: MIT */
/*
 * moongate.after and moongate.every: functions of a script that a worker calls
 * later, in a task each, so that they may wait.
 *
 *     timers.start ─▶ timer … ─▶ task: the function ─▶ on_end
 *                       ▲                                │
 *                       └─────────── every ──────────────┘
 *
 * They end with their script.
 */
#ifndef SCRIPT_TIMERS_H
#define SCRIPT_TIMERS_H

#include <lua.h>

enum {
    TIMERS_MAX = 256, /* of a script at a time */
};

struct script;

/* The module script.timers: start(script, seconds, function, repeats) is true,
 * or nil and a reason.  Where nothing is served they are counted, and never
 * called. */
int timers_open(lua_State *L);

/* Starts those that a script has made while it was loaded: they wait for it to
 * serve. */
void timers_start(struct script *script);

/* Ends all of a script's, also those whose function waits; not called by one of
 * them. */
void timers_stop(struct script *script);

#endif
