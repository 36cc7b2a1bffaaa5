/* SPDX-License-Identifier: MIT */
/*
 * How long a version of a script lives: as long as somebody holds it.
 *
 *     script_load ─▶ SCRIPT_LOADS ── script_serve ──▶ SCRIPT_SERVES
 *                         │                                │
 *                         │ dropped               script_retire, by its
 *                         ▼                       successor's commit
 *     script_unref: the last one frees it ◀── SCRIPT_RETIRED ◀┘
 */
#ifndef SCRIPT_LIFE_H
#define SCRIPT_LIFE_H

#include "base/mem.h"
#include "script/script.h"

/* A new one that is in no list, held once; NULL without memory. */
struct script *script_new(struct vm *vm) MUST_CHECK;

/* One more who holds it. */
struct script *script_ref(struct script *script);

/* One less; the last one takes it off its list and gives all of it back.  Not
 * while one of its functions runs.  NULL does nothing. */
void script_unref(struct script *script);

/* Gives it back whoever holds it: nobody will let go any more. */
void script_free(struct script *script);

/* New work begins with it from now on; its timers start. */
void script_serve(struct script *script);

/* New work begins with another; its timers end, also those whose function
 * waits.  One that is quarantined stays so, whatever its successor does. */
void script_retire(struct script *script);

#endif
