/* SPDX-License-Identifier: MIT */
/*
 * The client of the control socket.
 */
#ifndef APP_CTL_H
#define APP_CTL_H

#include <stdbool.h>

/* Can the COUNT words be answered without a running program, or are they wrong?
 * Then prints what there is to say, and sets *STATUS. */
bool ctl_run_alone(int *status, char *const *words, int count);

/* Sends the COUNT words as one command to the socket at PATH and prints the
 * answer; returns the exit status. */
int ctl_run(const char *path, char *const *words, int count);

#endif
