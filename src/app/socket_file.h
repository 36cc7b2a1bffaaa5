/* SPDX-License-Identifier: MIT */
/*
 * A listening Unix socket and the file that is its name. One that a dead
 * program left behind is replaced, one where somebody answers is not.
 */
#ifndef APP_SOCKET_FILE_H
#define APP_SOCKET_FILE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/mem.h"

struct socket_file {
    int fd;           /* -1: not open */
    struct addr addr; /* with its path */
    dev_t device;     /* which file it was when it was made */
    ino_t inode;
    bool shared; /* another program has it, too: the file stays */
};

/* Listens on ADDR with a file of MODE. -1 with errno; EADDRINUSE: somebody
 * answers there, or it is no socket. */
int socket_file_open(struct socket_file *f, const struct addr *addr,
                     mode_t mode, int backlog) MUST_CHECK;

/* Takes over FD, which listens on ADDR with its file, from another program that
 * has it, too. -1 with errno: the file is not there. */
int socket_file_adopt(struct socket_file *f, const struct addr *addr,
                      int fd) MUST_CHECK;

/* Whether another program has it, too, whose file it is. */
void socket_file_share(struct socket_file *f, bool shared);

/* Removes the file, if it is still the same one: nobody finds the socket any
 * more. It stays open. */
void socket_file_hide(struct socket_file *f);

/* Closes it and removes the file as above. One that is not open is left alone.
 */
void socket_file_close(struct socket_file *f);

#endif
