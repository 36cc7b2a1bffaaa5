/* SPDX-License-Identifier: MIT */
/*
 * Exchanging versions of scripts in a process that goes on meanwhile:
 *
 *     scripts_stage ─▶ the new ones are loaded beside the old ones
 *           │                 │
 *           │ a fault         ├─▶ scripts_commit: all serve, at one point
 *           ▼                 └─▶ scripts_drop:   as if nothing had been
 *     nothing is left
 *
 * What began with an old version ends on it: it holds its table of hooks. While
 * both are there, the limit of memory is for both together.
 */
#ifndef SCRIPT_SWAP_H
#define SCRIPT_SWAP_H

#include "base/mem.h"

struct bundles;
struct faults;
struct scripts;

/* Loads, from the sealed bundles of SET, every use of their scripts that
 * SCRIPTS has beside the one that serves: in a new environment, with what that
 * one's `save` gives.  0, also where they are not used here; or -1 with FAULTS,
 * the first use that cannot be loaded, and nothing is left.  What was staged
 * before is dropped.  Never while a script runs; likewise the others. */
int scripts_stage(struct scripts *scripts, const struct bundles *set,
                  struct faults *faults) MUST_CHECK;

/* Has what is staged serve, if anything is; it cannot fail. */
void scripts_commit(struct scripts *scripts);

/* Forgets what is staged, if anything is. */
void scripts_drop(struct scripts *scripts);

#endif
