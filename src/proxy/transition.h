/* SPDX-License-Identifier: MIT */
/*
 * What a worker does when the state of servers has changed, which control says
 * on the board before it wakes the workers.
 *
 *     up, ready ─▶ down or maint:  the policy's `state`, kept connections are
 *                                  closed, flows there are told, who waits for
 *                                  it tries again
 *     down      ─▶ up:             `state`, and those who wait get their turns;
 *                                  idle sessions of others may be retired
 *                                  (rebalance.h)
 */
#ifndef PROXY_TRANSITION_H
#define PROXY_TRANSITION_H

#include <stdint.h>

struct engine;
struct runtime;
struct upstream;

/* This worker has been woken: sees to what has changed since the last look for
 * each RUNTIME that it serves, newest first, or still has sessions of; then
 * transition_end calls those whose turn has come in a queue. */
uint64_t transition_begin(const struct engine *engine);
void transition_look(struct runtime *runtime, uint64_t states);
void transition_end(struct engine *engine, uint64_t states);

/* Takes the servers' present states for known: at the start. */
void transition_init(struct runtime *runtime);

#endif
