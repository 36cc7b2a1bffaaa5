/* SPDX-License-Identifier: MIT */
/*
 * Lua's patterns, as scripts may use them: the same as those of the library,
 * but a match that takes for ever ends with its call's CPU time (guard.h).  The
 * module `script.match`:
 *
 *     find match gmatch gsub   as in the reference manual, 5.4, and %g and %f
 *     is_over()                whether the call has used up its time
 *     is_deep()                whether it may use no more of the C stack
 */
#ifndef SCRIPT_MATCH_H
#define SCRIPT_MATCH_H

#include <lua.h>

/* Pushes the module. */
int match_open(lua_State *L);

#endif
