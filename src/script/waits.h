/* SPDX-License-Identifier: MIT */
/*
 * Waiting, as the Lua side of this floor calls it: the module `script.waits`.
 *
 *     begin()     nil, and a wait may begin; else why it may not, in words
 *     sleep(ms)   true once that time has passed; else false: try again
 *     is_hook()   whether the running coroutine is the core's
 */
#ifndef SCRIPT_WAITS_H
#define SCRIPT_WAITS_H

#include <lua.h>

/* Pushes the module. */
int waits_open(lua_State *L);

#endif
