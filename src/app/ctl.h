/* SPDX-License-Identifier: MIT */
/*
 * The client of the control socket.
 */
#ifndef APP_CTL_H
#define APP_CTL_H

/* Sends the COUNT words as one command to the socket at PATH and prints the
 * answer; returns the exit status. */
int ctl_run(const char *path, char *const *words, int count);

#endif
