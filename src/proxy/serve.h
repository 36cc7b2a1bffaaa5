/* SPDX-License-Identifier: MIT */
/*
 * Starts and stops serving a runtime: which code takes a section's clients.
 */
#ifndef PROXY_SERVE_H
#define PROXY_SERVE_H

#include "base/mem.h"

struct runtime;

/* Accepts on FDS (as many as the runtime has listeners, in their order; -1 for
 * none), which are the runtime's from then on.  0, or -1 with errno. */
int serve_start(struct runtime *runtime, const int *fds) MUST_CHECK;

/* Accepts no more; the sockets stay open until the runtime goes. */
void serve_pause(struct runtime *runtime);

/* The same, and the sockets are the caller's again. */
void serve_yield(struct runtime *runtime);

#endif
