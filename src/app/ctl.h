/* SPDX-License-Identifier: MIT */
/*
 * The client of the control socket.
 */
#ifndef APP_CTL_H
#define APP_CTL_H

#include <stdbool.h>

enum ctl_status {
    CTL_DONE = 0,
    CTL_REFUSED = 1, /* or it did not work */
    CTL_USAGE = 2,   /* there is no such command */
    CTL_GONE = 3,    /* nobody answers on the socket */
};

/* Can the COUNT words be answered without a running program, or are they wrong?
 * Then prints what there is to say, and sets *STATUS. */
bool ctl_run_alone(int *status, char *const *words, int count);

/* Sends the COUNT words as one command to the socket at PATH and prints the
 * answer; returns the exit status. */
int ctl_run(const char *path, char *const *words, int count);

#endif
