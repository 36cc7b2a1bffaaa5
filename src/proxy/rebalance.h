/* SPDX-License-Identifier: MIT */
/*
 * After a server of an upstream came back its clients are still with the
 * others, and pools keep them there for hours. Idle sessions of the others are
 * retired at the pace that `rebalance` says, so that they log in again, until
 * the server that came back has its share of the sessions, by weight.
 *
 *      came back ──▶ begun on the board, by the first worker that sees it
 *                        │
 *      each worker:  who has too many? ─▶ the idlest of its sessions there
 *                        │                that can go without loss
 *                        │    the pace, on the board: one of all workers
 *                        └──▶ retired ─▶ counted on the board ─┐
 *                    ▲                                         │
 *                    └───── until it has its share ... ◀───────┘
 *
 * What ends it: the share is reached; the server has left service again; as
 * many were retired as there were sessions, so that policies which do not heed
 * numbers cost each session one login; nobody was idle for REBALANCE_STARVED_MS
 * where somebody had to go; or it took too long. A server that starts slowly
 * has a share that grows. While those who were retired are not back yet, the
 * others are held against what there was at the beginning: they are not
 * emptied since clients take their time.
 */
#ifndef PROXY_REBALANCE_H
#define PROXY_REBALANCE_H

#include "base/mem.h"

struct rebalance;
struct server;
struct upstream;

enum {
    REBALANCE_IDLE_MS = 1000,           /* what counts as idle */
    REBALANCE_STARVED_MS = 10 * 1000,   /* and nobody is: it is over */
    REBALANCE_LIMIT_MS = 5 * 60 * 1000, /* of the whole; or twice as long as
                                           the pace needs for all sessions */
};

/* For an upstream with `rebalance`, one for each worker. Start-up only. */
struct rebalance *rebalance_new(struct upstream *upstream)
    __attribute__((returns_nonnull)) MUST_CHECK;

/* NULL does nothing, here and below. */
void rebalance_free(struct rebalance *r);

/* SERVER is in service again. */
void rebalance_begin(struct rebalance *r, struct server *server);

/* Goes on with what other workers have begun: at the start. */
void rebalance_resume(struct rebalance *r);

#endif
