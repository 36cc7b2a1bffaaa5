/* SPDX-License-Identifier: MIT */
/*
 * Coroutines that the core runs hooks in. One whose hook has returned is kept
 * for the next hook; one that was left while it waited, or that raised, never
 * runs again and is the collector's.
 */
#ifndef SCRIPT_COROUTINE_H
#define SCRIPT_COROUTINE_H

#include <lua.h>
#include <stdint.h>

#include "base/mem.h"

struct links;
struct resolver;
struct task;
struct trusts;

enum {
    COROUTINES_KEPT = 64, /* of a VM, without work */
};

struct coroutine {
    lua_State *L; /* NULL: none */
    int ref;      /* what keeps it from the collector */
};

/* Those of one VM, and what hooks that wait share. */
struct coroutines {
    lua_State *L;              /* the VM's main one */
    struct resolver *resolver; /* for the names they connect to; NULL: none */
    struct trusts *trusts;     /* whom they trust; NULL: none yet */
    struct links *links;       /* kept connections; NULL: none yet */
    struct task *running;      /* whose coroutine runs now, or NULL */
    uint64_t turn;             /* of the loop, that tasks last ran in */
    uint32_t turn_ticks;       /* of CPU time, when its first one began */
    unsigned spare_count;
    struct coroutine spare[COROUTINES_KEPT];
};

/* Prepares OUT for L's VM, which knows it from then on; L runs protected. */
void coroutines_init(struct coroutines *out, lua_State *L);

/* Those of L's VM: for functions that Lua calls. */
struct coroutines *coroutines_of(lua_State *L);

/* An idle one with an empty stack. -1 without memory. */
int coroutine_take(struct coroutine *out, struct coroutines *all) MUST_CHECK;

/* Gives one back whose function has returned. */
void coroutine_give(struct coroutines *all, struct coroutine coroutine);

/* Gives up one that shall not run again. */
void coroutine_drop(struct coroutines *all, struct coroutine coroutine);

#endif
