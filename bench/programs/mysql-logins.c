/* SPDX-License-Identifier: MIT */
/*
 * Load for a proxy of MySQL: CONNECTIONS clients that log in, quit, and begin
 * anew.
 *
 *     mysql-logins PORT USER CONNECTIONS MILLISECONDS
 *
 *     client ── connect ────────────────▶
 *            ◀─────────────── greeting ──
 *            ── login, no password ─────▶
 *          [ ◀───────── another plugin ── ]
 *          [ ── an empty answer ────────▶ ]
 *            ◀───────────────────── OK ──
 *            ── COM_QUIT, and closes ───▶
 *
 * The USER has no password, so no time goes into hashes.  Prints what was done:
 * operations=N bytes=N seconds=S errors=N.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"

enum {
    PACKET_MAX = 512, /* of what a server says in a login */
    HEADER = 4,
    CLIENTS_MAX = 1000,
    MS_MAX = 3600000,
    SOURCES = 16, /* addresses that clients come from */
    TURN_MS = 100,
    GIVE_UP = 1000, /* errors */
    USER_MAX = 32,
};

/* 4.1, a challenge of 20 bytes, plugins by name; no schema. */
#define CAPABILITIES "\x05\xa2\x08\x00"
#define PLUGIN       "mysql_native_password"

struct client {
    bool greeted;
    size_t len; /* of what has come */
    uint8_t bytes[PACKET_MAX];
};

struct load {
    uint16_t port;
    int poll_fd;
    unsigned opened; /* connections so far */
    uint64_t operations;
    uint64_t bytes; /* received */
    uint64_t errors;
    size_t login_len;
    char login[128]; /* the packet */
};

static struct client clients[ENDPOINT_FDS_MAX]; /* by descriptor */

static double
now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
append(struct load *l, const void *p, size_t n)
{
    memcpy(l->login + l->login_len, p, n);
    l->login_len += n;
}

static void
make_login(struct load *l, const char *user)
{
    static const char rest[28] = {0, 0, 0, 1, 45}; /* 16 MB, utf8mb4 */

    l->login_len = HEADER;
    append(l, CAPABILITIES, 4);
    append(l, rest, sizeof(rest));
    append(l, user, strlen(user) + 1);
    append(l, "", 1); /* an answer of no bytes */
    append(l, PLUGIN, sizeof(PLUGIN));
    l->login[0] = (char)(l->login_len - HEADER);
    l->login[3] = 1;
}

static void
client_open(struct load *l)
{
    int fd = endpoint_connect(l->port, 1 + l->opened % SOURCES);

    l->opened++;
    clients[fd].greeted = false;
    clients[fd].len = 0;
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
say(int fd, const void *p, size_t n)
{
    return send(fd, p, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
}

/* A whole packet has come. 1: logged in. */
static int
on_packet(const struct load *l, int fd, const uint8_t *packet)
{
    struct client *c = &clients[fd];
    const uint8_t answer[HEADER] = {0, 0, 0, (uint8_t)(packet[3] + 1)};

    if (!c->greeted) {
        c->greeted = true;
        return packet[HEADER] == 10 ? say(fd, l->login, l->login_len) : -1;
    }
    if (packet[HEADER] == 0xfe)
        return say(fd, answer, sizeof(answer));
    return packet[HEADER] == 0 ? 1 : -1;
}

static void
leave(struct load *l, int fd)
{
    static const uint8_t quit[] = {1, 0, 0, 0, 1};

    l->operations++;
    client_again(l, fd, say(fd, quit, sizeof(quit)) < 0);
}

static int
take(struct load *l, int fd)
{
    struct client *c = &clients[fd];
    ssize_t n = recv(fd, c->bytes + c->len, sizeof(c->bytes) - c->len, 0);
    size_t whole;
    int result;

    if (n <= 0)
        return n < 0 && endpoint_must_wait() ? 0 : -1;
    c->len += (size_t)n;
    l->bytes += (size_t)n;
    if (c->len <= HEADER)
        return 0;
    whole = HEADER + c->bytes[0] + ((size_t)c->bytes[1] << 8);
    if (whole > sizeof(c->bytes) || c->len > whole)
        return -1;
    if (c->len < whole)
        return 0;
    c->len = 0;
    result = on_packet(l, fd, c->bytes);
    if (result > 0)
        leave(l, fd);
    return result < 0 ? -1 : 0;
}

static void
run(struct load *l, double until)
{
    struct epoll_event events[ENDPOINT_EVENTS];

    while (now() < until && l->errors < GIVE_UP) {
        int n = epoll_wait(l->poll_fd, events, ENDPOINT_EVENTS, TURN_MS);

        for (int i = 0; i < n; i++) {
            if ((events[i].events & (EPOLLIN | EPOLLERR)) != 0 &&
                take(l, events[i].data.fd) < 0)
                client_again(l, events[i].data.fd, true);
        }
    }
}

int
main(int argc, char **argv)
{
    struct load l = {0};
    double started;
    long count, ms;

    if (argc != 5 || strlen(argv[2]) > USER_MAX) {
        (void)fprintf(stderr, "usage: mysql-logins PORT USER CONNECTIONS "
                              "MILLISECONDS\n");
        return EXIT_FAILURE;
    }
    l.port = (uint16_t)endpoint_number(argv[1], 1, 65535, "PORT");
    make_login(&l, argv[2]);
    count = endpoint_number(argv[3], 1, CLIENTS_MAX, "CONNECTIONS");
    ms = endpoint_number(argv[4], 1, MS_MAX, "MILLISECONDS");
    l.poll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (long i = 0; i < count; i++)
        client_open(&l);
    started = now();
    run(&l, started + (double)ms / 1000);
    (void)printf("operations=%llu bytes=%llu seconds=%.3f errors=%llu\n",
                 (unsigned long long)l.operations, (unsigned long long)l.bytes,
                 now() - started, (unsigned long long)l.errors);
    return EXIT_SUCCESS;
}
