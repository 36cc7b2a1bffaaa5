/* SPDX-License-Identifier: MIT */
/*
 * What keeps a script from hurting the process: its CPU time and its memory are
 * limited.
 *
 *     guard_next(script)      whose call comes next (report_call does it)
 *     guard_begin(kind)  ──▶ lua_pcall or lua_resume ──▶ guard_end(status)
 *           │                       ▲                         │
 *           │   tick: a signal      │ a hook at the next      │ strikes, one
 *           └── after 10 ms of CPU ─┘ instruction raises      └ full collection
 *
 * LuaJIT ignores its hooks in compiled code, unless its profiler runs by lines;
 * so it does, without its timer.  A timer of ours counts the thread's CPU time
 * and finds the same call under way as the tick before.  The hook stays until
 * the call is back in C, so that no pcall of the script swallows it.
 *
 * What fails in C, where no hook is called, is bounded otherwise: bounds.lua
 * and match.c.
 */
#ifndef SCRIPT_GUARD_H
#define SCRIPT_GUARD_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct script;

enum guard_kind {
    GUARD_HOOK, /* a call under script_budget */
    GUARD_LOAD, /* a step of loading, under script_load_budget */
    GUARD_KINDS,
};

/* Guards L's VM, of which there is one a process; by the thread that runs it.
 * Without a timer there is no limit of time, which is logged. */
void guard_open(lua_State *L);

/* Guards it no longer; before it is closed. */
void guard_close(void);

/* The limits from now on; and the board's row of this worker, where the script
 * that runs stands.  BOARD may be NULL; WORKER may be control's number. */
void guard_set_limits(uint64_t budget_ms, uint64_t load_budget_ms,
                      uint64_t memory_bytes);
void guard_set_board(struct board *board, unsigned worker);

/* The call that begins next is SCRIPT's.  One that is nobody's is the core's
 * own: its memory has no limit. */
void guard_next(const struct script *script);

/* A call begins, and has ended as STATUS (of lua_pcall) says. */
void guard_begin(enum guard_kind kind);
void guard_end(int status);

/* Was a call of SCRIPT's interrupted in this turn of the loop?  Then it is not
 * called again in it: a request has four hooks, and who waits meanwhile shall
 * wait for one. */
bool guard_has_struck(const struct script *script);

/* What was raised last for want of memory, in words. */
const char *guard_memory_words(void);

/* Has the call under way used up its time?  For loops in C and handlers. */
bool guard_is_over(void);

/* A count that goes up with every 10 ms of CPU time of calls. */
uint32_t guard_ticks(void);

/* Has the call under way nested so deep that the C stack might end?  LuaJIT
 * does not count: for functions in C that call Lua's. */
bool guard_is_deep(void);

/* Raises that it has used up its time. */
int guard_raise(lua_State *L);

/* The bytes that the VM has from its allocator. */
size_t guard_used(void);

#endif
