/* SPDX-License-Identifier: MIT */
/*
 * Who asks for an exchange: a client of control, HUP, a file that was saved, a
 * version that was not confirmed. What is asked for becomes a job, and waits
 * for its turn (swap.h).
 */
#ifndef APP_SWAP_ASK_H
#define APP_SWAP_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "app/swap_job.h"
#include "base/str.h"

struct child;
struct message;
struct swap;
struct versions;

/* A child has said something about scripts, or control asks for something. */
void swap_message(struct swap *s, struct child *child, const struct message *m);

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

/* For the script NAME (p NULL: all), without an answer. There are no more of
 * these than kinds and scripts, and none may be lost: nobody would ask again.
 */
void swap_add_quiet(struct swap *s, enum swap_kind kind, struct str name,
                    const char *who);

/* A history's on_overdue. */
void swap_overdue(struct versions *versions);

#endif
