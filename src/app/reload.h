/* SPDX-License-Identifier: MIT */
/*
 * Another configuration takes the place of the one that is served: the master's
 * half, beside the exchange of scripts (swap.h), whose trial, agreement and
 * generation it shares.
 *
 *     record ─▶ reload_prepare: config, rows, sockets, logs
 *                    │ refused: all of it goes
 *                    ▼
 *               reload_send to each child, before it is to stage
 *                    │ all agree
 *                    ▼
 *               reload_commit: what is forked from now on has it
 *                    │ all have exchanged
 *                    ▼
 *               reload_end: what is gone is closed; rows, once nobody has
 *                           sessions of an older configuration any more
 */
#ifndef APP_RELOAD_H
#define APP_RELOAD_H

#include <stdbool.h>

#include "app/log_output.h"
#include "app/rows.h"
#include "app/sockets.h"
#include "app/stats_sockets.h"
#include "base/buf.h"
#include "base/mem.h"
#include "net/timer.h"
#include "proxy/addresses.h"

struct child;
struct loop;
struct resources;

/* Rows that are gone once all workers serve this generation or a later one, and
 * no other program has any. */
struct reload_gone {
    struct rows_one row;
    uint32_t generation;
};

struct reload {
    struct resources *resources;
    struct loop *loop;
    int fd; /* the record of the next one; -1: none is under way */
    const struct config *config;
    struct addresses addresses;
    struct sockets sockets;
    struct stats_sockets stats;
    struct log_output logs;
    struct rows_added added;
    bool committed;
    const struct config *before; /* that it has taken the place of */
    struct reload_gone *gone;
    size_t gone_count;
    struct timer look; /* whether they are gone */
};

void
reload_init(struct reload *r, struct loop *loop, struct resources *resources);
void reload_fini(struct reload *r);

/* Rows of the board that the configuration has not, since an older program had
 * them, are gone once that one has ended. */
void reload_leave_others(struct reload *r);

/* Is one under way? */
bool reload_is_on(const struct reload *r);

/* Takes the record FD, and opens what it needs. 0; or -1: it is refused, WORDS
 * have why, a line each, and none is under way. */
int reload_prepare(struct reload *r, int fd, struct buf *words) MUST_CHECK;

/* Is it the configuration that is served already? */
bool reload_is_same(const struct reload *r);

/* Sends CHILD, which is control or a worker, what it needs. -1 with errno. */
int reload_send(const struct reload *r, const struct child *child,
                bool is_control) MUST_CHECK;

/* It is in force for what is forked from now on, as the resources' generation.
 */
void reload_commit(struct reload *r);

/* It is over; SUMMARY (or NULL) gets what has changed, a line each. Undone
 * unless it was committed. */
void reload_end(struct reload *r, struct buf *summary);

#endif
