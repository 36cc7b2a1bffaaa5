/* SPDX-License-Identifier: MIT */
/*
 * A POSIX lock: it is the process's own, so that no child inherits it, and goes
 * with the process however it ends.
 */
#include "app/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is the file behind FD still the one at PATH? A former owner may have removed
 * it between our open and our lock. */
static bool
is_at(int fd, const char *path)
{
    struct stat mine;
    struct stat there;

    return fstat(fd, &mine) == 0 && stat(path, &there) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

static int
open_locked(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int error = 0;

    while (error == 0) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

        if (fd < 0)
            return -1;
        if (fcntl(fd, F_SETLK, &lock) < 0)
            error = errno == EACCES ? EWOULDBLOCK : errno;
        else if (is_at(fd, path))
            return fd;
        close(fd);
    }
    errno = error;
    return -1;
}

int
pidfile_open(struct pidfile *p, const char *path)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    int fd = open_locked(path);

    if (fd < 0)
        return -1;
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len) {
        int error = errno;

        unlink(path);
        close(fd);
        errno = error;
        return -1;
    }
    *p = (struct pidfile){.path = xstrdup(path), .fd = fd};
    return 0;
}

void
pidfile_close(struct pidfile *p)
{
    if (p->path == NULL)
        return;
    unlink(p->path);
    close(p->fd);
    free(p->path);
    *p = (struct pidfile){.path = NULL, .fd = -1};
}
