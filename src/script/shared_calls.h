/* SPDX-License-Identifier: MIT */
/*
 * The functions behind moongate.shared and moongate.metric; see
 * shared_struct.h. None of them raises, and none calls back into Lua.
 */
#ifndef SCRIPT_SHARED_CALLS_H
#define SCRIPT_SHARED_CALLS_H

#include <stddef.h>
#include <stdint.h>

struct scripts;

#include "script/shared_struct.h"

extern const struct shared_calls shared_calls;

#endif
