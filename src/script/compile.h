/* SPDX-License-Identifier: MIT */
/*
 * Compiling, as scripts may have it done: the module `script.compile` is a
 * function of a text, a chunk's name and an environment, which returns the
 * chunk, or nil and what is wrong with it.  Text alone, no bytecode.
 */
#ifndef SCRIPT_COMPILE_H
#define SCRIPT_COMPILE_H

#include <lua.h>

/* Pushes the function. */
int compile_open(lua_State *L);

#endif
