/* SPDX-License-Identifier: MIT */
/*
 * Another configuration (HUP; reload.h) and another program (USR2; upgrade.h,
 * takeover.h) in place of what runs. One waits for the other.
 */
#ifndef APP_MASTER_CHANGES_H
#define APP_MASTER_CHANGES_H

#include <stdbool.h>

#include "base/mem.h"

struct master;

/* Before the children start. 0, or -1, which has been logged. */
int master_changes_init(struct master *m) MUST_CHECK;

/* What the signals ask for. */
void master_read_again(struct master *m);
void master_upgrade(struct master *m);

/* Whatever waits for the end of something else goes on if that has come. */
void master_look_on(struct master *m);

/* Does the control of a newer program do the work of this one's, which is to
 * leave? It does unless that has another board. */
bool master_leaves_control(const struct master *m);

/* Control has left, as it was asked to: the newer program begins. */
void master_let_go(struct master *m);

#endif
