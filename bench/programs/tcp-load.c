/* SPDX-License-Identifier: MIT */
/*
 * Load for a TCP relay: CONNECTIONS clients, each of which begins anew as soon
 * as it has what it waits for.
 *
 *     tcp-load PORT small|churn|bulk CONNECTIONS MILLISECONDS
 *
 *     small   send 64 bytes, wait for them to come back
 *     churn   connect, do the same once, close
 *     bulk    take what comes and forget it
 *
 * Prints what was done: operations=N bytes=N seconds=S errors=N.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"

enum {
    MESSAGE = 64,
    TAKE = 1 << 20,
    CLIENTS_MAX = 20000,
    MS_MAX = 3600000,
    SOURCES = 16, /* addresses that churn comes from */
    TURN_MS = 100,
    GIVE_UP = 1000, /* errors */
};

enum mode {
    MODE_SMALL, /* one message after the other */
    MODE_CHURN, /* a connection for each */
    MODE_BULK,  /* a stream to be taken */
};

static const char *const mode_names[] = {"small", "churn", "bulk"};

struct load {
    enum mode mode;
    uint16_t port;
    int poll_fd;
    unsigned opened; /* connections so far */
    uint64_t operations;
    uint64_t bytes; /* received */
    uint64_t errors;
};

static const char message[MESSAGE];
static size_t received[ENDPOINT_FDS_MAX]; /* of a message, by descriptor */

static double
now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The message is small enough for a connected socket to take it whole. */
static int
client_send(int fd)
{
    received[fd] = 0;
    return send(fd, message, sizeof(message), MSG_NOSIGNAL) == MESSAGE ? 0 : -1;
}

/* The first event says that it is connected: what it sends, it sends then. */
static void
client_open(struct load *l)
{
    unsigned source = l->mode == MODE_CHURN ? 1 + l->opened % SOURCES : 1;
    int fd = endpoint_connect(l->port, source);

    l->opened++;
    received[fd] = SIZE_MAX;
    endpoint_watch(l->poll_fd, fd);
}

static void
client_again(struct load *l, int fd, bool failed)
{
    (void)close(fd);
    l->errors += failed;
    client_open(l);
}

static int
take_message(struct load *l, int fd)
{
    char buffer[MESSAGE];
    ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

    if (n <= 0)
        return n < 0 && endpoint_must_wait() ? 0 : -1;
    l->bytes += (size_t)n;
    received[fd] += (size_t)n;
    if (received[fd] < MESSAGE)
        return 0;
    l->operations++;
    if (l->mode == MODE_SMALL)
        return client_send(fd);
    client_again(l, fd, false);
    return 0;
}

/* With MSG_TRUNC the kernel drops the bytes instead of copying them. */
static int
take_bulk(struct load *l, int fd)
{
    ssize_t n;

    while ((n = recv(fd, NULL, TAKE, MSG_TRUNC)) > 0) {
        l->bytes += (size_t)n;
        l->operations++;
    }
    return n < 0 && endpoint_must_wait() ? 0 : -1;
}

static void
on_event(struct load *l, int fd, uint32_t events)
{
    int result = 0;

    if (l->mode == MODE_BULK)
        result = take_bulk(l, fd);
    else if (received[fd] == SIZE_MAX)
        result = (events & EPOLLOUT) != 0 ? client_send(fd) : -1;
    else if ((events & EPOLLIN) != 0)
        result = take_message(l, fd);
    if (result < 0)
        client_again(l, fd, true);
}

static void
run(struct load *l, double until)
{
    struct epoll_event events[ENDPOINT_EVENTS];

    while (now() < until && l->errors < GIVE_UP) {
        int n = epoll_wait(l->poll_fd, events, ENDPOINT_EVENTS, TURN_MS);

        for (int i = 0; i < n; i++)
            on_event(l, events[i].data.fd, events[i].events);
    }
}

static void
usage(void)
{
    (void)fprintf(stderr, "usage: tcp-load PORT small|churn|bulk CONNECTIONS "
                          "MILLISECONDS\n");
    exit(EXIT_FAILURE);
}

static enum mode
mode_named(const char *name)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(name, mode_names[i]) == 0)
            return (enum mode)i;
    usage();
    return MODE_SMALL;
}

int
main(int argc, char **argv)
{
    struct load l = {0};
    double started;
    long clients, ms;

    if (argc != 5)
        usage();
    l.mode = mode_named(argv[2]);
    l.port = (uint16_t)endpoint_number(argv[1], 1, 65535, "PORT");
    clients = endpoint_number(argv[3], 1, CLIENTS_MAX, "CONNECTIONS");
    ms = endpoint_number(argv[4], 1, MS_MAX, "MILLISECONDS");
    l.poll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (long i = 0; i < clients; i++)
        client_open(&l);
    started = now();
    run(&l, started + (double)ms / 1000);
    (void)printf("operations=%llu bytes=%llu seconds=%.3f errors=%llu\n",
                 (unsigned long long)l.operations, (unsigned long long)l.bytes,
                 now() - started, (unsigned long long)l.errors);
    return EXIT_SUCCESS;
}
