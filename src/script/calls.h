/* SPDX-License-Identifier: MIT */
/*
 * The functions that the Lua side of this floor calls through the FFI while
 * connections run, and the handles that they take; see calls_struct.h, whose
 * text LuaJIT gets.  None of them raises, and none calls back into Lua.
 */
#ifndef SCRIPT_CALLS_H
#define SCRIPT_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script/calls_struct.h"

/* The table itself. */
extern const struct script_calls script_calls;

/* What `result.error` reads until the next call, or what becomes the words of
 * `state`; NULL: none. */
void calls_set_error(const char *error);

#endif
