/* SPDX-License-Identifier: MIT */
/*
 * What comes of a job: the exchange that all have agreed on, or none; the log,
 * the events, and the answer to who has asked.
 */
#ifndef APP_SWAP_END_H
#define APP_SWAP_END_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct child;
struct swap;
struct swap_job;
struct swap_round;
struct versions;

#define SWAP_STOPPING "the program is stopping\n" /* a reason to refuse */

/* The versions of the script that the job is about; NULL: of all. */
struct versions *
swap_versions(const struct swap *s, const struct swap_job *job);

/* The answers to whoever has asked for JOB, if that is there still: what WRITE
 * makes, or WHY it is refused. The job goes on. */
void swap_answer(struct swap *s, const struct swap_job *job,
                 void (*write)(struct buf *, const struct swap_job *,
                               const struct versions *));
void
swap_answer_refused(struct swap *s, const struct swap_job *job, struct str why);

/* The ends of the job that is under way: nothing is left of it, and the next
 * one begins at the end of the turn. It is refused and WHY; nothing was to be
 * exchanged; or all has been said. */
void swap_refuse(struct swap *s, struct str why);
void swap_end_unchanged(struct swap *s);
void swap_end_job(struct swap *s);

/* The round's on_stage, on_agreed and on_end. */
int swap_stage(struct swap_round *round, const struct child *child);
uint32_t swap_agreed(struct swap_round *round);
void swap_round_ended(struct swap_round *round, bool exchanged, struct str why);

#endif
