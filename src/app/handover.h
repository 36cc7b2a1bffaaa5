/* SPDX-License-Identifier: MIT */
/*
 * Hands all that this program has open on to the program that it becomes, in
 * the form that inherit.h reads.
 */
#ifndef APP_HANDOVER_H
#define APP_HANDOVER_H

struct resources;

/* In a new process: becomes the program that is at this one's path now, which
 * has the descriptors of R, and LINK to the master. Returns with errno if it
 * cannot. */
void handover_exec(const struct resources *r, int link);

#endif
