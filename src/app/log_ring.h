/* SPDX-License-Identifier: MIT */
/*
 * From the workers' log rings to the log's targets. A worker writes into its
 * ring and wakes control; control waits a moment, so that it is woken once for
 * many records, and ships what all rings hold.
 *
 *     worker ── log_ring ──▶ ring, eventfd ── log_shipper ──▶ log_output
 */
#ifndef APP_LOG_RING_H
#define APP_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "board/board.h"
#include "net/loop.h"

struct log_output;

/* A worker's side. */
struct log_ring {
    struct ring *ring;
    int wake_fd;  /* the eventfd that control waits for */
    bool hurried; /* control was told that the ring is half full */
};

/* From now on this process's log lines go to WORKER's ring. */
void log_ring_start(struct log_ring *r, struct board *board, unsigned worker,
                    int wake_fd);
void log_ring_stop(void);

/* Puts an access record of SECTION (its row) into the ring that ARG, a
 * struct log_ring, is. An engine_record_fn. */
void log_ring_record(void *arg, unsigned section, const char *line, size_t len);

/* Control's side. */
struct log_shipper {
    struct loop *loop;
    struct board *board;
    struct log_output *output;
    struct watch wake;
    struct timer delay;               /* from the wake to the shipping */
    struct timer report;              /* of what was lost */
    uint64_t lost[BOARD_WORKERS_MAX]; /* of each ring, as reported */
    uint64_t lost_before;             /* by the targets of earlier controls */
};

/* Ships at once what the rings hold, and whatever comes. 0, or -1. */
int
log_shipper_start(struct log_shipper *s, struct loop *loop, struct board *board,
                  struct log_output *output, int wake_fd) MUST_CHECK;

/* What is in the rings is shipped; from then on OUTPUT takes what comes. */
void log_shipper_use(struct log_shipper *s, struct log_output *output);

/* Ships what is left. */
void log_shipper_stop(struct log_shipper *s);

#endif
