/* SPDX-License-Identifier: MIT */
/*
 * What one version of a script leaves to the next: `save` is asked for it, and
 * script.saved copies it, so that the two share no table.
 */
#ifndef SCRIPT_SAVED_H
#define SCRIPT_SAVED_H

#include <stddef.h>

#include "base/mem.h"

struct script;
struct vm;

/* Pushes what OLD gives its successor, under script_load_budget; nil where it
 * is NULL, has no `save`, or is quarantined and not asked.  0; or -1, and WHY
 * says in words what is wrong with it, and nothing is pushed. */
int saved_push(struct vm *vm, struct script *old, char *why,
               size_t size) MUST_CHECK;

#endif
