/* SPDX-License-Identifier: MIT */
/*
 * The roster: who of an upstream's servers can be had. It keeps one worker's
 * views, and what follows from them, in step with the board, and looks only at
 * what has changed there (board/changes.h).
 *
 *     board ── changes ──▶ views ──▶ standings, counts ──▶ usable
 *                                                      └──▶ loads, in order
 *
 * What a flow has tried is hidden from its own pick, and shown again after it.
 */
#ifndef PROXY_ROSTER_H
#define PROXY_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tournament.h"
#include "board/view.h"

struct board;
struct flow;

enum roster_standing {
    ROSTER_OUT,  /* down, draining, in maintenance, or of weight 0 */
    ROSTER_FULL, /* in service, at its maxconn */
    ROSTER_FREE, /* in service, and has room */
};

struct roster_member {
    int row;       /* on the board */
    unsigned idle; /* kept connections of this worker */
    int32_t taken; /* slots, by all workers */
    enum roster_standing standing;
};

/* How many servers there are of each kind, for one flow. */
struct roster_counts {
    unsigned free;         /* not tried; no backups */
    unsigned free_backups; /* likewise */
    unsigned full;         /* not tried; backups, too */
    unsigned full_backups; /* of these */
    unsigned tried;        /* in service, but tried by the flow */
};

static inline unsigned
roster_in_service(const struct roster_counts *counts)
{
    return counts->free + counts->free_backups + counts->full + counts->tried;
}

struct roster {
    struct board *board;
    int upstream; /* row on the board */
    unsigned count;
    struct server_view *views;
    struct roster_member *members;
    uint16_t *by_row; /* 1 + the server of a row; 0: none of these */
    uint64_t seen;    /* changes that the views show */
    uint64_t states; /* higher whenever who is in service changes, or weights */
    struct roster_counts counts; /* for who has tried none */
    int64_t taken;               /* slots of all servers */
    bool on_backups;             /* backups stand in: no other serves */
    bool has_order;              /* loads are kept: somebody asks for them */
    struct tournament loads;     /* of usable servers */
};

/* COUNT servers, whose VIEWS are the caller's and have their names. Without a
 * BOARD (NULL) nothing can be asked. Start-up only. */
void roster_init(struct roster *r, struct board *board, int upstream,
                 struct server_view *views, unsigned count);
void roster_fini(struct roster *r);

/* Where server INDEX is on the board; for each of them, before any question. */
void roster_place(struct roster *r, unsigned index, int row);

/* Brings the views up to date. `usable` is what it is for a flow that has tried
 * nothing: up, not drained or in maintenance, weight above 0, below maxconn (or
 * with a kept connection to offer), and backups only where no other server is
 * in service: one that is merely full is waited for. */
void roster_refresh(struct roster *r);

/* Brings up to date what is known to have changed: the server's slots, or how
 * many connections this worker keeps. Not between enter and leave. */
void roster_refresh_one(struct roster *r, unsigned index);
void roster_set_idle(struct roster *r, unsigned index, unsigned idle);

/* Brings the views up to date, as they are for FLOW: what it has tried is not
 * usable either, and does not keep backups out. How many are usable, and
 * *COUNTS; where none is and some are full, those are worth waiting for. Each
 * is followed by a leave, before anything else. */
unsigned roster_enter(struct roster *r, const struct flow *flow,
                      struct roster_counts *counts);
void roster_leave(struct roster *r, const struct flow *flow);

/* Whether server INDEX is up, ready and of some weight. */
bool roster_is_in_service(const struct roster *r, unsigned index);

/* The usable server with the least load, (active + queued + 1) / weight, but 0
 * where it has none; of equals number TURN modulo how many there are, in their
 * order. -1: none is usable. */
int roster_least(struct roster *r, uint64_t turn);

/* Whether a server takes new work at all: up, neither draining nor in
 * maintenance, of a weight above 0. */
bool roster_serves(const struct server_view *view);

/* A number that stays the same as long as the same servers are in service with
 * the same weights, and backups do or do not stand in, for this pick. */
uint64_t roster_generation(const struct roster *r);

#endif
