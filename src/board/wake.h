/* SPDX-License-Identifier: MIT */
/*
 * How processes wake each other: each has an eventfd that all inherit (rows.h).
 * A worker that is woken looks at what has changed of its upstreams' servers
 * and at the queues; control looks at what live traffic has seen.
 */
#ifndef BOARD_WAKE_H
#define BOARD_WAKE_H

#include "board/rows.h"

void wake_worker(const struct board *b, unsigned worker);
void wake_workers(const struct board *b);
void wake_control(const struct board *b);

#endif
