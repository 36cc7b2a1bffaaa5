/* SPDX-License-Identifier: MIT */
/*
 * The floor of relaying: read here, write there, and nothing else.
 *
 *     floor-relay PORT SERVER_PORT...
 *
 *     client <--> [ one buffer for all, kept only if one side is slow ] <-->
 *     server, each in turn
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"

enum {
    BUFFER = 65536,
    SERVERS_MAX = 16,
};

/* One end of a pair, by its descriptor. */
struct end {
    int peer;         /* the other end; 0: this one is not in use */
    bool ended;       /* it sends no more */
    struct held held; /* what it has not taken yet */
};

static struct end ends[ENDPOINT_FDS_MAX];

static struct {
    uint16_t ports[SERVERS_MAX];
    unsigned count;
    unsigned turn;
} servers;

static void
pair_open(int poll_fd, int client)
{
    int server =
        endpoint_connect(servers.ports[servers.turn++ % servers.count], 1);

    ends[client] = (struct end){.peer = server};
    ends[server] = (struct end){.peer = client};
    endpoint_watch(poll_fd, server);
    endpoint_watch(poll_fd, client);
}

static void
pair_close(int fd)
{
    int peer = ends[fd].peer;

    held_drop(&ends[fd].held);
    held_drop(&ends[peer].held);
    ends[fd].peer = ends[peer].peer = 0;
    (void)close(fd);
    (void)close(peer);
}

/* The end of one direction; returns -1 when it was that of the second. */
static int
pass_end(int fd)
{
    int peer = ends[fd].peer;

    ends[fd].ended = true;
    if (ends[peer].ended)
        return -1;
    (void)shutdown(peer, SHUT_WR);
    return 0;
}

/* Reads FD and writes its peer, until FD is empty or its peer is full. */
static int
relay(int fd, bool to_end)
{
    static char buffer[BUFFER];
    int peer = ends[fd].peer;

    while (!ends[fd].ended && !held_waits(&ends[peer].held)) {
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

        if (n == 0)
            return pass_end(fd);
        if (n < 0)
            return endpoint_must_wait() ? 0 : -1;
        if (held_send(&ends[peer].held, peer, buffer, (size_t)n) < 0)
            return -1;
        if ((size_t)n < sizeof(buffer) && !to_end)
            return 0;
    }
    return 0;
}

/* An end that takes bytes again may be what its peer waits for. */
static int
resume(int fd)
{
    if (!held_waits(&ends[fd].held))
        return 0;
    if (held_flush(&ends[fd].held, fd) < 0)
        return -1;
    return relay(ends[fd].peer, true);
}

static void
on_event(int fd, uint32_t events)
{
    bool to_end = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

    if (ends[fd].peer == 0)
        return;
    if ((events & EPOLLOUT) != 0 && resume(fd) < 0) {
        pair_close(fd);
        return;
    }
    if (((events & EPOLLIN) != 0 || to_end) && relay(fd, to_end) < 0)
        pair_close(fd);
}

int
main(int argc, char **argv)
{
    struct epoll_event events[ENDPOINT_EVENTS];
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listen_fd;

    if (argc < 3 || argc > 2 + SERVERS_MAX) {
        (void)fprintf(stderr, "usage: floor-relay PORT SERVER_PORT...\n");
        return EXIT_FAILURE;
    }
    for (int i = 2; i < argc; i++)
        servers.ports[servers.count++] =
            (uint16_t)endpoint_number(argv[i], 1, 65535, "SERVER_PORT");
    listen_fd = endpoint_listen(
        poll_fd, (uint16_t)endpoint_number(argv[1], 1, 65535, "PORT"));
    for (;;) {
        int n = epoll_wait(poll_fd, events, ENDPOINT_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd != listen_fd) {
                on_event(fd, events[i].events);
                continue;
            }
            while ((fd = endpoint_accept(listen_fd)) >= 0)
                pair_open(poll_fd, fd);
        }
    }
}
