/* SPDX-License-Identifier: MIT */
/*
 * Control and the workers: they are started, replaced when they die or are
 * stuck, and what they leave on the board is put right.
 */
#ifndef APP_MASTER_CHILDREN_H
#define APP_MASTER_CHILDREN_H

#include "base/mem.h"

struct master;

/* None of them runs yet. */
void master_children_init(struct master *m);

/* 0, or -1: some may run. */
int master_children_start(struct master *m) MUST_CHECK;

/* Sees off whoever has ended, other processes of the master's as well. */
void master_reap(struct master *m);

#endif
