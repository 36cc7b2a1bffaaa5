/* SPDX-License-Identifier: MIT */
/*
 * script_watch: a script that is saved is swapped in by itself. The master
 * watches script_path with all folders below it, the folders of scripts that
 * are named by absolute paths, and the places where a symbolic link stands in
 * one of these paths, since a whole folder may be exchanged by it.
 *
 *     inotify ──▶ quiet for 100 ms ──┬─▶ watch anew ──▶ swap_scan
 *     another configuration ─────────┘
 */
#ifndef APP_SCRIPT_WATCH_H
#define APP_SCRIPT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"

struct resources;
struct swap;
struct watched;

struct script_watch {
    struct swap *swap;
    struct loop *loop;
    const struct resources *resources;
    int fd; /* inotify's; -1: nothing is watched */
    struct watch watch;
    struct watched *items;
    unsigned count;
    bool warned; /* that not all can be watched */
    struct timer settle;
    uint64_t first_ms; /* of the events that have not been looked at, while
                          settle runs */
};

/* Begins, if the configuration wants it, and as soon as one does that is in
 * force later; what cannot be watched is logged. */
void script_watch_start(struct script_watch *w, struct swap *swap,
                        struct loop *loop, const struct resources *resources);

/* Looks for what has changed before it began, if it has. */
void script_watch_look(struct script_watch *w);

/* Ends it; one that was never started is all zeros, and left alone. */
void script_watch_stop(struct script_watch *w);

#endif
