/* SPDX-License-Identifier: MIT */
/*
 * The commands that do their work and end. Each returns the exit status.
 */
#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

/* `moongate check`: prints every fault of the configuration FILE. */
int command_check(const char *file);

/* `moongate version`: prints it and those of the libraries in use. */
int command_version(void);

/* `moongate ctl`: sends the COUNT words to SOCKET, or, if that is NULL, to the
 * control socket that the configuration FILE names. */
int command_ctl(const char *socket, const char *file, char *const *words,
                int count);

#endif
