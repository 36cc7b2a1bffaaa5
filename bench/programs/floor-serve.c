/* SPDX-License-Identifier: MIT */
/*
 * The floor of serving: what the kernel asks of any server for a request.
 *
 *     floor-serve PORT BYTES
 *
 *     client --read--> [ nothing is looked at ] --write--> the same answer
 *
 * Each read counts as one request, so clients must not pipeline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"

enum {
    REQUEST_MAX = 16384,
    HEAD_MAX = 256,
    BYTES_MAX = 16 << 20,
};

static struct {
    char *bytes;
    size_t len;
} answer;

static size_t owed[ENDPOINT_FDS_MAX]; /* of the answer, by descriptor */

static void
make_answer(size_t body)
{
    int head;

    answer.bytes = malloc(HEAD_MAX + body);
    if (answer.bytes == NULL)
        endpoint_fail("malloc");
    head = snprintf(answer.bytes, HEAD_MAX,
                    "HTTP/1.1 200 OK\r\n"
                    "Server: floor\r\n"
                    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                    "Content-Type: text/plain\r\n"
                    "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                    "ETag: \"floor\"\r\n"
                    "Content-Length: %zu\r\n\r\n",
                    body);
    answer.len = (size_t)head + body;
    memset(answer.bytes + head, 'x', body);
}

/* Reads a request if one has come, and sends what is owed. */
static int
client_serve(int fd, bool readable)
{
    char request[REQUEST_MAX];
    ssize_t n;

    if (readable) {
        n = recv(fd, request, sizeof(request), 0);
        if (n == 0 || (n < 0 && !endpoint_must_wait()))
            return -1;
        if (n > 0)
            owed[fd] += answer.len;
    }
    while (owed[fd] > 0) {
        n = send(fd, answer.bytes + (answer.len - owed[fd]), owed[fd],
                 MSG_NOSIGNAL);
        if (n < 0)
            return endpoint_must_wait() ? 0 : -1;
        owed[fd] -= (size_t)n;
    }
    return 0;
}

static void
accept_clients(int poll_fd, int listen_fd)
{
    int fd;

    while ((fd = endpoint_accept(listen_fd)) >= 0) {
        owed[fd] = 0;
        endpoint_watch(poll_fd, fd);
    }
}

int
main(int argc, char **argv)
{
    struct epoll_event events[ENDPOINT_EVENTS];
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listen_fd;

    if (argc != 3) {
        (void)fprintf(stderr, "usage: floor-serve PORT BYTES\n");
        return EXIT_FAILURE;
    }
    make_answer((size_t)endpoint_number(argv[2], 0, BYTES_MAX, "BYTES"));
    listen_fd = endpoint_listen(
        poll_fd, (uint16_t)endpoint_number(argv[1], 1, 65535, "PORT"));
    for (;;) {
        int n = epoll_wait(poll_fd, events, ENDPOINT_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd == listen_fd)
                accept_clients(poll_fd, listen_fd);
            else if (client_serve(fd, (events[i].events & EPOLLIN) != 0) < 0)
                (void)close(fd);
        }
    }
}
