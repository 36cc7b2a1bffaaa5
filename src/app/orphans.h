/* SPDX-License-Identifier: MIT */
/*
 * Workers on the board whose master has died before it could see to them: that
 * of an older program that was killed while it drained, or of a newer one that
 * has failed.
 */
#ifndef APP_ORPHANS_H
#define APP_ORPHANS_H

#include <stdbool.h>

struct board;

/* Repairs what those have held that are dead by now, and gives their numbers
 * back. Are some left that are not? By the one master that serves. */
bool orphans_look(struct board *board);

#endif
