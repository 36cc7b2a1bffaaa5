/* SPDX-License-Identifier: MIT */
/*
 * The hook boundary's tables (proxy/hook.h), filled with functions that call
 * scripts.  No table, string or closure is made for a pick; a request gets one
 * handle, for all of its hooks.
 */
#ifndef SCRIPT_HOOKS_H
#define SCRIPT_HOOKS_H

#include "proxy/hook.h"
#include "script/script.h"

/* Fills OUT for a loaded policy. */
void hooks_fill_policy(struct policy_hooks *out, struct script *script);

/* Fills OUT for the scripts of a section: only what one of them has. */
void hooks_fill_section(struct section_hooks *out, struct script_chain *chain);

#endif
