/* SPDX-License-Identifier: MIT */
/*
 * Tables of hooks on the heap, which the proxy exchanges as a whole: each holds
 * its scripts, and lets them go with the last who holds it (proxy/hook.h).
 */
#ifndef SCRIPT_TABLES_H
#define SCRIPT_TABLES_H

#include "base/mem.h"
#include "proxy/hook.h"
#include "script/script.h"

/* A policy's, held once; it takes the caller's hold of SCRIPT over.  NULL
 * without memory, and SCRIPT stays the caller's. */
struct policy_hooks *tables_new_policy(struct script *script) MUST_CHECK;

/* A chain without scripts, with room for those of a section; to be given to
 * tables_new_section or tables_free_chain.  NULL without memory. */
struct script_chain *
tables_new_chain(const struct section_conf *conf) MUST_CHECK;

/* Lets its scripts go. NULL does nothing. */
void tables_free_chain(struct script_chain *chain);

/* A section's, held once; CHAIN, with its hold of scripts, is its own.  NULL
 * without memory, and CHAIN stays the caller's. */
struct section_hooks *tables_new_section(struct script_chain *chain) MUST_CHECK;

#endif
