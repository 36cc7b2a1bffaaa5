/* SPDX-License-Identifier: MIT */
/*
 * How this program was started, so that it can be started again the same way:
 * its words, folder and environment, as they were before anything changed them;
 * but for WATCHDOG_PID, which said which process that was.
 */
#ifndef APP_LAUNCH_H
#define APP_LAUNCH_H

/* Remembers it; once, at the start of main, which passes its ARGV. */
void launch_remember(char **argv);

/* Becomes the program that is at that path now, with VARIABLE (NAME=VALUE) in
 * its environment beside what was remembered. Returns with errno if it cannot.
 */
void launch_again(char *variable);

/* The path, as it was typed. */
const char *launch_path(void);

#endif
