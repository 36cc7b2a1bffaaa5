/* SPDX-License-Identifier: MIT */
/*
 * What came of an exchange of scripts, as an event on the board.
 */
#ifndef APP_SWAP_EVENT_H
#define APP_SWAP_EVENT_H

#include "base/str.h"

struct board;
struct swap_job;
struct versions;

/* Another version of the script V serves, as JOB wanted. */
void swap_event_changed(struct board *board, const struct swap_job *job,
                        const struct versions *v);

/* Everything stays as it is; the first line of WHY says why. V: of the script,
 * or NULL. */
void swap_event_refused(struct board *board, const struct swap_job *job,
                        const struct versions *v, struct str why);

#endif
