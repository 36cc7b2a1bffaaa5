/* SPDX-License-Identifier: MIT */
/*
 * What stands behind a TCP relay: it sends back what comes, or sends as much as
 * the client takes.
 *
 *     tcp-server PORT echo|source
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"

enum {
    BUFFER = 262144,
    WRITES = 8, /* of a source, before another client has its turn */
};

static char buffer[BUFFER];
static struct held helds[ENDPOINT_FDS_MAX];

/* Sends back what has come. */
static int
echo(int fd, bool to_end)
{
    if (held_flush(&helds[fd], fd) < 0)
        return -1;
    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

        if (n == 0)
            return -1;
        if (n < 0)
            return endpoint_must_wait() ? 0 : -1;
        if (held_send(&helds[fd], fd, buffer, (size_t)n) < 0)
            return -1;
        if ((size_t)n < sizeof(buffer) && !to_end)
            return 0;
    }
}

/* Sends a few buffers; level-triggered, so the next turn goes on. */
static int
source(int fd, bool to_end)
{
    if (to_end)
        return -1;
    for (int i = 0; i < WRITES; i++)
        if (send(fd, buffer, sizeof(buffer), MSG_NOSIGNAL) < 0)
            return endpoint_must_wait() ? 0 : -1;
    return 0;
}

static void
accept_clients(int poll_fd, int listen_fd, bool echoes)
{
    struct epoll_event event = {.events = EPOLLOUT | EPOLLRDHUP};
    int fd;

    while ((fd = endpoint_accept(listen_fd)) >= 0) {
        event.data.fd = fd;
        if (echoes)
            endpoint_watch(poll_fd, fd);
        else if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
            endpoint_fail("epoll_ctl");
    }
}

int
main(int argc, char **argv)
{
    struct epoll_event events[ENDPOINT_EVENTS];
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    bool echoes = argc == 3 && strcmp(argv[2], "echo") == 0;
    int listen_fd;

    if (!echoes && (argc != 3 || strcmp(argv[2], "source") != 0)) {
        (void)fprintf(stderr, "usage: tcp-server PORT echo|source\n");
        return EXIT_FAILURE;
    }
    listen_fd = endpoint_listen(
        poll_fd, (uint16_t)endpoint_number(argv[1], 1, 65535, "PORT"));
    for (;;) {
        int n = epoll_wait(poll_fd, events, ENDPOINT_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            bool to_end =
                (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

            if (fd == listen_fd) {
                accept_clients(poll_fd, listen_fd, echoes);
            } else if ((echoes ? echo : source)(fd, to_end) < 0) {
                held_drop(&helds[fd]);
                (void)close(fd);
            }
        }
    }
}
