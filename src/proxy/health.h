/* SPDX-License-Identifier: MIT */
/*
 * The health of all servers, in the control process: when each is checked, what
 * follows from verdicts and from what live traffic has seen, and which weights
 * policies see. All of it is on the board, so a control process that takes the
 * place of a dead one carries on from there.
 *
 *     due ─▶ checker ─▶ verdict ─┐
 *                                ├─▶ state ─▶ board, log ─▶ workers are woken
 *     workers ─▶ failures ───────┘      └─▶ weights
 */
#ifndef PROXY_HEALTH_H
#define PROXY_HEALTH_H

#include "base/mem.h"
#include "config/model.h"

struct board;
struct health;
struct loop;

/* Begins to watch over the servers of CONFIG, all of which are on the board.
 * CONFIG, BOARD and LOOP outlive it. NULL with errno. */
struct health *health_start(struct loop *loop, struct board *board,
                            const struct config *config) MUST_CHECK;

/* Ends it, and checks under way without a verdict. NULL does nothing. */
void health_stop(struct health *health);

#endif
