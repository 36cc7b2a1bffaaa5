/* SPDX-License-Identifier: MIT */
/*
 * The file with the master's process number, locked as long as it lives: the
 * lock, not the file, says that another one runs.
 */
#ifndef APP_PIDFILE_H
#define APP_PIDFILE_H

#include "base/mem.h"

struct pidfile {
    char *path;     /* NULL: none */
    char *old_path; /* where it was renamed to; NULL: it was not */
    int fd;
};

/* Locks PATH and writes this process's number. -1 with errno; EWOULDBLOCK: a
 * living process holds it. Start-up only: memory. */
int pidfile_open(struct pidfile *p, const char *path) MUST_CHECK;

/* Renames it to PATH.old, locked still, so that another program may take PATH;
 * and back, whatever has come there. -1 with errno. */
int pidfile_rename(struct pidfile *p) MUST_CHECK;
void pidfile_rename_back(struct pidfile *p);

/* Removes the file. One that was not opened is left alone. */
void pidfile_close(struct pidfile *p);

#endif
