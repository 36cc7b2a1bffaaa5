/* SPDX-License-Identifier: MIT */
/*
 * The master: it opens what needs its privileges, starts control and the
 * workers, replaces those that die, and passes on what signals ask for.
 */
#ifndef APP_MASTER_H
#define APP_MASTER_H

#include <stdbool.h>

/* Runs the program with the configuration FILE until it is told to stop, in the
 * background if DAEMON or the configuration says so; returns the exit status.
 */
int master_run(const char *file, bool daemon);

#endif
