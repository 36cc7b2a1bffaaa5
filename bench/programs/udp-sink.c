/* SPDX-License-Identifier: MIT */
/*
 * Takes log records by UDP and forgets them, so that nobody who sends them
 * meets a closed port or a full buffer.
 *
 *     udp-sink PORT
 *
 * On SIGTERM it prints how many there were: records=N.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"

enum {
    BATCH = 64,
    BUFFER = 8 << 20, /* of the socket; the system may allow less */
};

static volatile sig_atomic_t ended;

static void
on_term(int signal_number)
{
    (void)signal_number;
    ended = 1;
}

static int
open_sink(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int size = BUFFER;

    if (fd < 0)
        endpoint_fail("socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        endpoint_fail("bind");
    return fd;
}

int
main(int argc, char **argv)
{
    struct mmsghdr messages[BATCH] = {0};
    struct sigaction action = {.sa_handler = on_term};
    unsigned long long records = 0;
    int fd;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: udp-sink PORT\n");
        return EXIT_FAILURE;
    }
    if (sigaction(SIGTERM, &action, NULL) < 0)
        endpoint_fail("sigaction");
    fd = open_sink((uint16_t)endpoint_number(argv[1], 1, 65535, "PORT"));
    while (!ended) {
        int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);

        if (n > 0)
            records += (unsigned)n;
    }
    (void)printf("records=%llu\n", records);
    return EXIT_SUCCESS;
}
