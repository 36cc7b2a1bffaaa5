/* SPDX-License-Identifier: MIT */
/*
 * The board: the memory that the master, control and all workers share. The
 * master makes it before its first fork, as a memfd that it keeps.
 *
 *     header | workers | upstreams | servers | sections | scripts   named rows
 *            | slots, held[worker][slot], intents, acknowledgements  slots.h
 *            | queues[upstream, server], their entries               queue.h
 *            | counters[worker][server, section]                     counters.h
 *            | counters[worker, control][hook][script]        script_counts.h
 *            | ring[worker]                                          ring.h
 *            | dictionaries and metrics of scripts           dict.h, metric.h
 *            | seats[worker]: sessions that are followed              seats.h
 *            | usage, pools[worker], captures[worker]    usage.h and so on
 *
 * A row has a name and keeps its place as long as it is in use, so a row number
 * is a reference that every process can hold. There is room for more rows than
 * the first configuration needs; a reload adds and removes rows and moves none.
 * Only the master adds and removes; each other field has one writer, named
 * beside it (for what control writes of a server, see state.h). What nobody may
 * see half written is one atomic field.
 */
#ifndef BOARD_BOARD_H
#define BOARD_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "board/addresses.h"
#include "board/counters.h"
#include "board/rows.h"
#include "board/view.h"

struct ring;

/* Makes a board with room for LIMITS, all zero. VERSION is shown by `show
 * info`. NULL with errno (EINVAL: a limit out of range). */
struct board *board_open(const struct board_limits *limits, const char *version)
    __attribute__((warn_unused_result));

/* Unmaps it; the memory goes when the last process does this or ends. */
void board_close(struct board *b);

/* Rows. Add: the number of a new row named NAME, all its counters zero, or
 * BOARD_NONE with errno (ENOSPC: no room; EEXIST; EINVAL: the name is empty or
 * too long). Find: the number, or BOARD_NONE. Remove: by the master, when no
 * process uses the row any more. A new server is up, ready and of weight 1. */
int board_add_upstream(struct board *b, struct str name);
int board_add_server(struct board *b, int upstream, struct str name);
int board_add_section(struct board *b, struct str name);
int board_add_script(struct board *b, struct str name);

int board_find_upstream(const struct board *b, struct str name);
int board_find_server(const struct board *b, int upstream, struct str name);
int board_find_section(const struct board *b, struct str name);
int board_find_script(const struct board *b, struct str name);

void board_remove_upstream(struct board *b, int row);
void board_remove_server(struct board *b, int row);
void board_remove_section(struct board *b, int row);
void board_remove_script(struct board *b, int row);

/* What the configuration says of a server, for the outputs and the views; by
 * the master. The address is text as configured, cut at BOARD_ADDRESS_MAX. */
void board_set_server(struct board *b, int row, struct str address,
                      int32_t weight, int32_t maxconn, bool backup);

/* Brings into VIEW what changes at run time: weight, active, maxconn, fails,
 * up, draining, maint, backup, latency_ms. The caller sets index and name once,
 * and `usable` for each flow. */
void board_read_view(const struct board *b, int row, struct server_view *view);

/* The next number of this upstream's rotation, from 0; no two callers in any
 * process get the same. */
static inline uint64_t
board_turn(struct board *b, int upstream)
{
    return atomic_fetch_add_explicit(&b->upstreams[upstream].turn, 1,
                                     memory_order_relaxed);
}

/* Control counts calls of scripts, as if it were one more worker. */
static inline unsigned
board_control_number(const struct board *b)
{
    return b->header->limits.workers;
}

/* The server row that is chosen for all work of an upstream (rows.h), or
 * BOARD_NONE. */
int board_chosen(const struct board *b, int upstream);

/* Chooses the server row TO where *CHOSEN, a row or BOARD_NONE, is chosen
 * still; of several processes one succeeds. Whether this one did; *CHOSEN is
 * what holds afterwards. */
bool board_choose(struct board *b, int upstream, int to, int *chosen);

/* The rows that a worker counts in. */
static inline struct server_counters *
board_server_counters(struct board *b, unsigned worker, int row)
{
    return &b->server_counters[(size_t)worker * b->header->limits.servers +
                               (size_t)row];
}

static inline struct section_counters *
board_section_counters(struct board *b, unsigned worker, int row)
{
    return &b->section_counters[(size_t)worker * b->header->limits.sections +
                                (size_t)row];
}

/* Sums over all workers. */
void
board_sum_server(const struct board *b, int row, struct server_totals *out);
void
board_sum_section(const struct board *b, int row, struct section_totals *out);

/* The sum of all sections' rows of one worker: what this worker has served. */
void board_sum_worker(const struct board *b, unsigned worker,
                      struct section_totals *out);

/* The log ring of a worker, its producer; control consumes. */
struct ring *board_ring(const struct board *b, unsigned worker);

/* By the master. */
void board_worker_started(struct board *b, unsigned worker, pid_t pid,
                          uint32_t generation);

/* By the master, once it has waited for the dead process and before it starts
 * another in its place: repairs what the worker held (slots.h), and has the
 * others look at all servers (changes.h). */
void board_worker_died(struct board *b, unsigned worker);

/* Takes out what a dead worker has left in queues, where that was not to be
 * done at once (queue_forget_worker): by the master, or by the worker that has
 * taken its place, before it serves. -1: it is not to be done now either. */
int board_clear_queues(struct board *b, unsigned worker)
    __attribute__((warn_unused_result));

/* By the worker: its loop turns. */
void board_beat(struct board *b, unsigned worker);

/* By the worker, in the middle of a turn that is long, but goes on; a signal's
 * handler may call it. */
void board_beat_again(struct board *b, unsigned worker);

/* By the worker: what its scripts' memory has come to. */
void board_set_heap(struct board *b, unsigned worker, size_t bytes);

#endif
