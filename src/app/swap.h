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

#include "app/swap_state.h"

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

/* A child has ended; before another one takes its place. */
void swap_child_ended(struct swap *s, const struct child *child);

/* A process has ended with STATUS (of waitpid); others than its own are left
 * alone. */
void swap_reaped(struct swap *s, pid_t pid, int status);

/* Refuses what is under way and what waits: the program is stopping. */
void swap_close(struct swap *s);

#endif
