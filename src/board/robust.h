/* SPDX-License-Identifier: MIT */
/*
 * Mutexes of shared memory: whoever locks one whose owner has died is told so
 * (EOWNERDEAD), repairs what it guards, and has it.
 */
#ifndef BOARD_ROBUST_H
#define BOARD_ROBUST_H

#include <pthread.h>

/* Makes one. 0, or an errno. */
int robust_init(pthread_mutex_t *mutex) __attribute__((warn_unused_result));

#endif
