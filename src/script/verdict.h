/* SPDX-License-Identifier: MIT */
/*
 * What a hook returned, read and checked:
 *
 *     nothing                              HOOK_PASS
 *     { priority = N }                     HOOK_PASS, with that priority
 *     { upstream = NAME, server = NAME }   HOOK_ROUTE; priority = N, too
 *     { status =, headers =, body = }      HOOK_REPLY   (moongate.reply)
 *     false, reason                        HOOK_DENY    (accept)
 */
#ifndef SCRIPT_VERDICT_H
#define SCRIPT_VERDICT_H

#include <lua.h>

#include "base/mem.h"
#include "proxy/hook.h"

struct arena;
struct script;

/* Reads the two values at INDEX and INDEX + 1 of the stack.  ARENA gets the
 * texts of an answer; NULL where none can be given (accept).  The priority in
 * OUT is that of the scripts before, and stays where this one names none.
 * HOOK_FAILED, and *WHY in words, when they are none of the above. */
enum hook_result
verdict_read(struct hook_verdict *out, struct script *script, lua_State *L,
             int index, struct arena *arena, const char **why) MUST_CHECK;

#endif
