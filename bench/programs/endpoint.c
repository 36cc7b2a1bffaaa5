/* SPDX-License-Identifier: MIT */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
};

_Noreturn void
endpoint_fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

long
endpoint_number(const char *text, long min, long max, const char *what)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < min || number > max) {
        (void)fprintf(stderr, "%s: %s is not a number from %ld to %ld\n", what,
                      text, min, max);
        exit(EXIT_FAILURE);
    }
    return number;
}

static struct sockaddr_in
loopback(uint16_t port, unsigned host)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl((127U << 24) + host),
    };

    return address;
}

static int
open_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        endpoint_fail("socket");
    if (fd >= ENDPOINT_FDS_MAX) {
        errno = EMFILE;
        endpoint_fail("socket");
    }
    return fd;
}

static void
switch_on(int fd, int level, int option)
{
    int on = 1;

    if (setsockopt(fd, level, option, &on, sizeof(on)) < 0)
        endpoint_fail("setsockopt");
}

int
endpoint_listen(int poll_fd, uint16_t port)
{
    struct sockaddr_in address = loopback(port, 1);
    struct epoll_event event = {.events = EPOLLIN};
    int fd = open_socket();

    switch_on(fd, SOL_SOCKET, SO_REUSEADDR);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        endpoint_fail("bind");
    if (listen(fd, BACKLOG) < 0)
        endpoint_fail("listen");
    event.data.fd = fd;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        endpoint_fail("epoll_ctl");
    return fd;
}

int
endpoint_accept(int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (endpoint_must_wait() || errno == ECONNABORTED)
            return -1;
        endpoint_fail("accept4");
    }
    if (fd >= ENDPOINT_FDS_MAX) {
        errno = EMFILE;
        endpoint_fail("accept4");
    }
    switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
    return fd;
}

int
endpoint_connect(uint16_t port, unsigned source)
{
    struct sockaddr_in from = loopback(0, source);
    struct sockaddr_in to = loopback(port, 1);
    int fd = open_socket();

    switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
    if (source != 1) {
        switch_on(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
            endpoint_fail("bind");
    }
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 &&
        errno != EINPROGRESS)
        endpoint_fail("connect");
    return fd;
}

void
endpoint_watch(int poll_fd, int fd)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.fd = fd,
    };

    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        endpoint_fail("epoll_ctl");
}

bool
endpoint_must_wait(void)
{
    return errno == EAGAIN || errno == EINTR;
}

int
held_send(struct held *h, int fd, const void *p, size_t n)
{
    const char *bytes = p;
    ssize_t sent = held_waits(h) ? 0 : send(fd, bytes, n, MSG_NOSIGNAL);

    if (sent < 0) {
        if (!endpoint_must_wait())
            return -1;
        sent = 0;
    }
    n -= (size_t)sent;
    if (n == 0)
        return 0;
    if (h->room < h->len + n) {
        h->room = h->len + n;
        h->bytes = realloc(h->bytes, h->room);
        if (h->bytes == NULL)
            endpoint_fail("realloc");
    }
    memcpy(h->bytes + h->len, bytes + sent, n);
    h->len += n;
    return 0;
}

int
held_flush(struct held *h, int fd)
{
    ssize_t sent;

    if (!held_waits(h))
        return 0;
    sent = send(fd, h->bytes + h->sent, h->len - h->sent, MSG_NOSIGNAL);
    if (sent < 0)
        return endpoint_must_wait() ? 0 : -1;
    h->sent += (size_t)sent;
    if (h->sent == h->len)
        h->sent = h->len = 0;
    return 0;
}

bool
held_waits(const struct held *h)
{
    return h->sent < h->len;
}

void
held_drop(struct held *h)
{
    free(h->bytes);
    *h = (struct held){0};
}
