/* SPDX-License-Identifier: MIT */
/*
 * What a new child does first: it closes what is not its own, gives its
 * privileges up and becomes control or a worker.
 */
#ifndef APP_ROLES_H
#define APP_ROLES_H

struct resources;

/* Both return the exit status. MASTER is the socket to the master, PLACE says
 * which of its workers it is. */
int role_run_worker(struct resources *r, unsigned place, int master);
int role_run_control(struct resources *r, int master);

#endif
