/* SPDX-License-Identifier: MIT */
/*
 * Coroutines that the core runs hooks in. One whose hook has returned is kept
 * for the next hook; one that was left while it waited, or that raised, never
 * runs again and is the collector's.
 */
#ifndef SCRIPT_COROUTINE_H
#define SCRIPT_COROUTINE_H

#include <lua.h>

#include "base/mem.h"

struct vm;

enum {
    COROUTINES_KEPT = 64, /* of a VM, without work */
};

struct coroutine {
    lua_State *L; /* NULL: none */
    int ref;      /* what keeps it from the collector */
};

/* An idle one with an empty stack. -1 without memory. */
int coroutine_take(struct coroutine *out, struct vm *vm) MUST_CHECK;

/* Gives one back whose function has returned. */
void coroutine_give(struct vm *vm, struct coroutine coroutine);

/* Gives up one that shall not run again. */
void coroutine_drop(struct vm *vm, struct coroutine coroutine);

#endif
