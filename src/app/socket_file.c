/* SPDX-License-Identifier: MIT */
#include "app/socket_file.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

static int
open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* A full backlog (EAGAIN) is somebody, too. */
static bool
somebody_answers(const struct addr *addr)
{
    int fd = open_socket();
    bool answers;

    if (fd < 0)
        return true;
    answers = connect(fd, &addr->sa, addr->len) == 0 || errno != ECONNREFUSED;
    close(fd);
    return answers;
}

/* Makes room for a file at ADDR; 0, or -1 with errno. */
static int
remove_stale(const struct addr *addr)
{
    struct stat st;

    if (lstat(addr->un.sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -1;
    if (!S_ISSOCK(st.st_mode) || somebody_answers(addr)) {
        errno = EADDRINUSE;
        return -1;
    }
    return unlink(addr->un.sun_path);
}

/* The mode is there from the start, not a moment after. */
static int
bind_with_mode(int fd, const struct addr *addr, mode_t mode)
{
    mode_t before = umask(0777 & ~mode);
    int result = bind(fd, &addr->sa, addr->len);

    umask(before);
    return result;
}

int
socket_file_open(struct socket_file *f, const struct addr *addr, mode_t mode,
                 int backlog)
{
    struct stat st;
    int error;
    int fd;

    if (remove_stale(addr) < 0)
        return -1;
    fd = open_socket();
    if (fd < 0)
        return -1;
    if (bind_with_mode(fd, addr, mode) < 0)
        goto close_fd;
    if (lstat(addr->un.sun_path, &st) < 0 || listen(fd, backlog) < 0)
        goto remove_file;
    *f = (struct socket_file){
        .fd = fd,
        .addr = *addr,
        .device = st.st_dev,
        .inode = st.st_ino,
    };
    return 0;

remove_file:
    error = errno;
    unlink(addr->un.sun_path);
    errno = error;
close_fd:
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

int
socket_file_adopt(struct socket_file *f, const struct addr *addr, int fd)
{
    struct stat st;

    if (lstat(addr->un.sun_path, &st) < 0)
        return -1;
    if (!S_ISSOCK(st.st_mode)) {
        errno = ENOTSOCK;
        return -1;
    }
    *f = (struct socket_file){
        .fd = fd,
        .addr = *addr,
        .device = st.st_dev,
        .inode = st.st_ino,
        .shared = true,
    };
    return 0;
}

void
socket_file_share(struct socket_file *f, bool shared)
{
    f->shared = shared;
}

void
socket_file_hide(struct socket_file *f)
{
    struct stat st;

    if (f->fd >= 0 && !f->shared && lstat(f->addr.un.sun_path, &st) == 0 &&
        st.st_dev == f->device && st.st_ino == f->inode)
        unlink(f->addr.un.sun_path);
}

void
socket_file_close(struct socket_file *f)
{
    if (f->fd < 0)
        return;
    socket_file_hide(f);
    close(f->fd);
    f->fd = -1;
}
