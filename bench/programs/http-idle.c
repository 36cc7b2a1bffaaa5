/* SPDX-License-Identifier: MIT */
/*
 * Idle keep-alive clients: each asks for PATH once and then stays, until the
 * program is ended.
 *
 *     http-idle PORT PATH CONNECTIONS
 *
 * Prints idle=N when all have their answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"

enum {
    REQUEST_MAX = 512,
    ANSWER_MAX = 16384,
    PATIENCE_MS = 10000,
    CLIENTS_MAX = 60000,
};

static void
wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    if (poll(&p, 1, PATIENCE_MS) != 1) {
        (void)fprintf(stderr, "no answer\n");
        exit(EXIT_FAILURE);
    }
}

/* The answer is short, and arrives in one piece. */
static void
client_open(uint16_t port, const char *request)
{
    char answer[ANSWER_MAX];
    int fd = endpoint_connect(port, 1);
    ssize_t n;

    wait_for(fd, POLLOUT);
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        endpoint_fail("send");
    wait_for(fd, POLLIN);
    n = recv(fd, answer, sizeof(answer), 0);
    if (n < 0)
        endpoint_fail("recv");
    if (n < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0) {
        (void)fprintf(stderr, "the answer is not 200\n");
        exit(EXIT_FAILURE);
    }
}

int
main(int argc, char **argv)
{
    char request[REQUEST_MAX];
    uint16_t port;
    long clients;

    if (argc != 4) {
        (void)fprintf(stderr, "usage: http-idle PORT PATH CONNECTIONS\n");
        return EXIT_FAILURE;
    }
    port = (uint16_t)endpoint_number(argv[1], 1, 65535, "PORT");
    clients = endpoint_number(argv[3], 1, CLIENTS_MAX, "CONNECTIONS");
    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", argv[2]);
    for (long i = 0; i < clients; i++)
        client_open(port, request);
    (void)printf("idle=%ld\n", clients);
    (void)fflush(stdout);
    for (;;)
        (void)pause();
}
