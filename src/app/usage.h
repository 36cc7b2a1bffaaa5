/* SPDX-License-Identifier: MIT */
/*
 * Once a second the master looks at what its processes use and at how much has
 * come, and notes it on the board (board/usage.h). It is the master who looks,
 * since a worker that is stuck could not, nor one behind a chroot. Of two
 * masters on one board, which an upgrade makes, the newer one speaks for the
 * program as long as it lives, and each for its own workers.
 */
#ifndef APP_USAGE_H
#define APP_USAGE_H

#include <stdint.h>

#include "net/loop.h"

struct child;
struct resources;

struct usage {
    struct loop *loop;
    struct resources *resources;
    const struct child *control;
    const struct child *workers;
    struct timer timer;
    uint64_t at_ms; /* of the last look, and what it has seen */
    uint64_t connections;
    uint64_t requests;
};

/* Before the first fork: from now on this process and its children log from the
 * level on that stands on the board, and the master looks. */
void
usage_start(struct usage *u, struct loop *loop, struct resources *resources,
            const struct child *control, const struct child *workers);
void usage_stop(struct usage *u);

#endif
