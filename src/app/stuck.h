/* SPDX-License-Identifier: MIT */
/*
 * Workers that are stuck: busy, and for long without a turn of their loop.  One
 * that merely gets no CPU time, or is stopped, is not.
 */
#ifndef APP_STUCK_H
#define APP_STUCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct board;

enum {
    STUCK_LOOK_MS = 500,   /* how often the master looks */
    STUCK_GRACE_MS = 2000, /* of CPU time, beyond what a hook may use */
};

/* What was seen of one worker. */
struct stuck {
    pid_t pid;
    uint64_t heartbeat; /* the last one */
    uint64_t cpu_ms;    /* that the process had used when it came */
};

/* The CPU time that process PID has used; false: it has just ended. */
bool stuck_read_cpu(pid_t pid, uint64_t *ms);

/* Looks at a worker that serves.  Has it used GRACE_MS of CPU time without a
 * beat? */
bool stuck_look(struct stuck *seen, const struct board *board, unsigned worker,
                pid_t pid, uint64_t grace_ms);

/* Logs that the worker NAME is killed for that, with the script that ran,
 * which is quarantined: nothing else stops it. */
void
stuck_blame(struct board *board, unsigned worker, const char *name, pid_t pid);

#endif
