/* SPDX-License-Identifier: MIT */
/*
 * Exchanging scripts while the program serves: the master's half. One exchange
 * is under way at a time, the others wait.
 *
 *     ctl, HUP, a saved file ──▶ queue ──▶ swap_try ── its bytes ──┐
 *                                   │          HUP: and reload ────▶ ▼
 *                                   └─ rollback ── history ──▶ swap_round
 *                                                                  │ all agree
 *     answer, log ◀── on_end ◀── all exchange ◀── history, bundles ◀┘
 *
 * Nothing here waits: each step ends with a message, a timer, or the end of a
 * process.
 */
#ifndef APP_SWAP_H
#define APP_SWAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "app/reload.h"
#include "app/swap_history.h"
#include "app/swap_round.h"
#include "app/swap_try.h"
#include "base/list.h"
#include "script/bundles.h"

struct resources;
struct swap_job;

struct swap {
    struct resources *resources; /* whose bundles and generation it changes */
    struct loop *loop;
    struct child *control;
    bool closed;          /* the program is stopping */
    struct list jobs;     /* that wait */
    struct swap_job *job; /* under way; NULL: none */
    struct swap_try trial;
    struct bundles set; /* what takes over; and the same to hand on */
    int fd;
    struct reload reload; /* of the whole configuration, with its scripts */
    struct swap_round round;
    struct history history;
    struct deferred next; /* begins with the next job */
    /* Another configuration is in force; or NULL. */
    void (*on_config)(void *arg);
    void *on_config_arg;
};

/* For the children CONTROL and WORKERS, as many as RESOURCES says. Start-up
 * only: memory. */
void swap_init(struct swap *s, struct loop *loop, struct resources *resources,
               struct child *control, struct child *workers);

/* Is anything being exchanged, or waiting for that? */
bool swap_is_busy(const struct swap *s);

/* Goes on with what waits, where that was for the end of an upgrade. */
void swap_look(struct swap *s);

/* Ends the process in which scripts are tried, and waits for that. */
void swap_fini(struct swap *s);

/* A child has said something about scripts, or control asks for something. */
void swap_message(struct swap *s, struct child *child, const struct message *m);

/* A child has ended; before another one takes its place. */
void swap_child_ended(struct swap *s, const struct child *child);

/* A process has ended with STATUS (of waitpid); others than its own are left
 * alone. */
void swap_reaped(struct swap *s, pid_t pid, int status);

/* Reads the configuration and its scripts again, and exchanges what has
 * changed: all in one step, or nothing. WHO asks is for the log. */
void swap_all(struct swap *s, const char *who);

/* The same for the client TICKET of control, who is told what came of it, as
 * JSON or in words. What can be said at once is returned; else NULL. */
const char *
swap_reload(struct swap *s, uint32_t ticket, bool json, struct str who);

/* Files of scripts have changed: what they are part of is found out, and each
 * of those is exchanged by itself. */
void swap_scan(struct swap *s);

/* Refuses what is under way and what waits: the program is stopping. */
void swap_close(struct swap *s);

#endif
