/* SPDX-License-Identifier: MIT */
/*
 * How the program ends: at once, or when its sessions have; and what control
 * and the workers are given time for.
 */
#ifndef APP_MASTER_END_H
#define APP_MASTER_END_H

#include "app/message.h"

struct master;

enum {
    MASTER_GRACE_MS = 5000, /* from the request to leave to the killing */
};

/* Before anything else of these. */
void master_end_init(struct master *m);

/* Ends what there is, at once; or when its sessions have ended, or
 * drain_timeout is over. */
void master_stop(struct master *m);
void master_drain(struct master *m);

/* Goes on with the ending when those that it waits for have left. */
void master_finish(struct master *m);

/* Scripts stay as they are from now on. */
void master_close_swap(struct master *m);

/* Tells all; none is started again. */
void master_tell_workers(struct master *m, enum message_kind kind);

#endif
