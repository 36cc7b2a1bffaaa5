/* SPDX-License-Identifier: MIT */
/*
 * The file with the master's process number, locked as long as it lives: the
 * lock, not the file, says that another one runs.
 */
#ifndef APP_PIDFILE_H
#define APP_PIDFILE_H

#include "base/mem.h"

struct pidfile {
    char *path; /* NULL: none */
    int fd;
};

/* Locks PATH and writes this process's number. -1 with errno; EWOULDBLOCK: a
 * living process holds it. Start-up only: memory. */
int pidfile_open(struct pidfile *p, const char *path) MUST_CHECK;

/* Removes the file. One that was not opened is left alone. */
void pidfile_close(struct pidfile *p);

#endif
