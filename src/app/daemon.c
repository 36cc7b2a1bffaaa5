/* SPDX-License-Identifier: MIT */
#include "app/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the whole process: whether somebody waits for it. */
static int wait_fd = -1;
static bool is_on;

/* One that ends without a word has failed, and said why on standard error. */
static _Noreturn void
await(int fd, pid_t pid)
{
    char byte;
    ssize_t n;

    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1)
        _exit(EXIT_SUCCESS);
    (void)waitpid(pid, NULL, 0);
    _exit(EXIT_FAILURE);
}

int
daemon_start(const char *file)
{
    int pair[2];
    pid_t pid;

    if (pipe2(pair, O_CLOEXEC) < 0)
        return -1;
    fflush(NULL);
    pid = fork();
    if (pid > 0) {
        close(pair[1]);
        await(pair[0], pid);
    }
    close(pair[0]);
    if (pid < 0) {
        int error = errno;

        close(pair[1]);
        errno = error;
        return -1;
    }
    wait_fd = pair[1];
    is_on = true;
    umask(022);
    if (setsid() < 0)
        return -1;
    return file[0] == '/' ? chdir("/") : 0;
}

bool
daemon_is_on(void)
{
    return is_on;
}

/* Whatever is written there from now on goes nowhere, rather than to a terminal
 * that somebody else uses. */
void
daemon_leave_terminal(void)
{
    int fd;

    if (!is_on)
        return;
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = STDIN_FILENO; fd >= 0 && i <= STDERR_FILENO; i++)
        (void)dup2(fd, i);
    if (fd > STDERR_FILENO)
        close(fd);
}

void
daemon_ready(void)
{
    if (wait_fd < 0)
        return;
    daemon_leave_terminal();
    /* Whoever waited may have been killed; nobody is told then. */
    (void)!write(wait_fd, "", 1);
    close(wait_fd);
    wait_fd = -1;
}

void
daemon_fail(const char *why)
{
    if (wait_fd >= 0)
        fprintf(stderr, "moongate: %s\n", why);
}
