/* SPDX-License-Identifier: MIT */
/*
 * What versions of scripts that are gone leave behind: their values are
 * collected in small steps, one a turn of the loop, so that nobody waits for a
 * whole collection; their machine code is dropped now and then, with everyone
 * else's, since LuaJIT does not know how to drop some of it.
 */
#ifndef SCRIPT_SWEEP_H
#define SCRIPT_SWEEP_H

struct scripts;

void sweep_init(struct scripts *scripts);

/* Some versions are gone, or soon will be. */
void sweep_start(struct scripts *scripts);

/* Leaves it at that. */
void sweep_stop(struct scripts *scripts);

#endif
