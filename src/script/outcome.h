/* SPDX-License-Identifier: MIT */
/*
 * The hooks of sections that decide nothing, but see what came of it: response,
 * log and close.  All scripts of the chain that have one are called, in order;
 * one that raises is reported, and what it did before stays.
 */
#ifndef SCRIPT_OUTCOME_H
#define SCRIPT_OUTCOME_H

#include "proxy/hook.h"
#include "script/script.h"

/* Sets those of OUT's hooks that a script of the chain has. */
void outcome_fill(struct section_hooks *out, const struct script_chain *chain);

/* Whether a script of the chain has this hook. */
bool outcome_has(const struct script_chain *chain, enum script_hook hook);

#endif
