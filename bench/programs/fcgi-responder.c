/* SPDX-License-Identifier: MIT */
/*
 * A FastCGI responder that costs as little as one can: it answers each request
 * with BYTES bytes, or with as many as "bytes=N" of the QUERY_STRING says, and
 * keeps the connection if the request asks for that.
 *
 *     fcgi-responder PORT [BYTES]
 *
 * Requests of one connection come one after the other; their bodies are
 * ignored.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"

enum {
    HEADER = 8,                /* bytes before a record's content */
    CONTENT_MAX = 65535,       /* of a record */
    CHUNK = 65528,             /* of an answer's record: no padding needed */
    INPUT = 2 * CONTENT_MAX,   /* a whole record always fits */
    BYTES_MAX = 16 << 20,      /* of an answer */
    OUTPUT = BYTES_MAX + 8192, /* the answer, its head and the records' */
};

enum record_type {
    RECORD_BEGIN = 1,
    RECORD_END = 3,
    RECORD_PARAMS = 4,
    RECORD_STDIN = 5,
    RECORD_STDOUT = 6,
};

struct client {
    struct held held; /* answers that were not taken yet */
    bool keep;        /* the request asks to keep the connection */
    bool closing;     /* close when all is sent */
    size_t answer;    /* bytes of the next answer's body */
    size_t len;       /* of INPUT */
    uint8_t input[INPUT];
};

static struct client *clients[ENDPOINT_FDS_MAX];
static size_t default_bytes;

static const char answer_head[] = "Content-Type: text/html\r\n\r\n";

/* Reads the length of a name or value; returns the bytes it took, 0: none. */
static size_t
read_length(const uint8_t *p, size_t n, size_t *length)
{
    if (n >= 1 && p[0] < 128) {
        *length = p[0];
        return 1;
    }
    if (n < 4)
        return 0;
    *length = ((size_t)(p[0] & 127) << 24) | ((size_t)p[1] << 16) |
              ((size_t)p[2] << 8) | p[3];
    return 4;
}

static void
read_query(struct client *c, const uint8_t *value, size_t len)
{
    static const char key[] = "bytes=";
    size_t at = sizeof(key) - 1;
    size_t bytes = 0;

    if (len <= at || memcmp(value, key, at) != 0)
        return;
    for (; at < len && value[at] >= '0' && value[at] <= '9'; at++)
        if (bytes <= BYTES_MAX)
            bytes = bytes * 10 + (size_t)(value[at] - '0');
    c->answer = bytes < BYTES_MAX ? bytes : BYTES_MAX;
}

/* Proxies send all parameters in one record, so none is cut in two. */
static void
read_params(struct client *c, const uint8_t *p, size_t n)
{
    static const char wanted[] = "QUERY_STRING";
    size_t name, value, taken;

    while ((taken = read_length(p, n, &name)) > 0) {
        p += taken;
        n -= taken;
        taken = read_length(p, n, &value);
        if (taken == 0 || n - taken < name || n - taken - name < value)
            return;
        p += taken;
        if (name == sizeof(wanted) - 1 && memcmp(p, wanted, name) == 0)
            read_query(c, p + name, value);
        p += name + value;
        n -= taken + name + value;
    }
}

static uint8_t *
write_header(uint8_t *p, enum record_type type, const uint8_t *id, size_t len)
{
    *p++ = 1;
    *p++ = (uint8_t)type;
    *p++ = id[0];
    *p++ = id[1];
    *p++ = (uint8_t)(len >> 8);
    *p++ = (uint8_t)len;
    *p++ = 0;
    *p++ = 0;
    return p;
}

static int
client_answer(struct client *c, int fd, const uint8_t *id)
{
    static uint8_t output[OUTPUT];
    size_t head = sizeof(answer_head) - 1;
    size_t left = head + c->answer;
    uint8_t *p = output;

    while (left > 0) {
        size_t len = left < CHUNK ? left : CHUNK;

        p = write_header(p, RECORD_STDOUT, id, len);
        memset(p, 'x', len);
        if (left == head + c->answer)
            memcpy(p, answer_head, head);
        p += len;
        left -= len;
    }
    p = write_header(p, RECORD_STDOUT, id, 0);
    p = write_header(p, RECORD_END, id, 8);
    memset(p, 0, 8);
    p += 8;
    c->closing = !c->keep;
    return held_send(&c->held, fd, output, (size_t)(p - output));
}

static int
client_record(struct client *c, int fd, const uint8_t *p, size_t len)
{
    switch (p[1]) {
    case RECORD_BEGIN:
        c->keep = len >= 3 && (p[HEADER + 2] & 1) != 0;
        c->answer = default_bytes;
        return 0;
    case RECORD_PARAMS:
        read_params(c, p + HEADER, len);
        return 0;
    case RECORD_STDIN:
        return len == 0 ? client_answer(c, fd, p + 2) : 0;
    }
    return 0; /* nothing else matters to a responder */
}

static int
client_parse(struct client *c, int fd)
{
    const uint8_t *p = c->input;
    size_t left = c->len;

    while (left >= HEADER) {
        size_t len = ((size_t)p[4] << 8) | p[5];
        size_t whole = HEADER + len + p[6];

        if (left < whole)
            break;
        if (client_record(c, fd, p, len) < 0)
            return -1;
        p += whole;
        left -= whole;
    }
    memmove(c->input, p, left);
    c->len = left;
    return 0;
}

static int
client_serve(struct client *c, int fd, bool to_end)
{
    bool full = true;

    if (held_flush(&c->held, fd) < 0)
        return -1;
    if (c->closing && !held_waits(&c->held))
        return -1;
    while (full || to_end) {
        size_t room = sizeof(c->input) - c->len;
        ssize_t n = recv(fd, c->input + c->len, room, 0);

        if (n == 0)
            return -1;
        if (n < 0)
            return endpoint_must_wait() ? 0 : -1;
        full = (size_t)n == room;
        c->len += (size_t)n;
        if (client_parse(c, fd) < 0)
            return -1;
        if (c->closing && !held_waits(&c->held))
            return -1;
    }
    return 0;
}

static void
on_event(int fd, uint32_t events)
{
    bool to_end = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    struct client *c = clients[fd];

    if (c == NULL || client_serve(c, fd, to_end) == 0)
        return;
    held_drop(&c->held);
    free(c);
    clients[fd] = NULL;
    (void)close(fd);
}

static void
accept_clients(int poll_fd, int listen_fd)
{
    int fd;

    while ((fd = endpoint_accept(listen_fd)) >= 0) {
        clients[fd] = malloc(sizeof(struct client));
        if (clients[fd] == NULL)
            endpoint_fail("malloc");
        memset(clients[fd], 0, offsetof(struct client, input));
        endpoint_watch(poll_fd, fd);
    }
}

int
main(int argc, char **argv)
{
    struct epoll_event events[ENDPOINT_EVENTS];
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listen_fd;

    if (argc < 2 || argc > 3) {
        (void)fprintf(stderr, "usage: fcgi-responder PORT [BYTES]\n");
        return EXIT_FAILURE;
    }
    if (argc == 3)
        default_bytes = (size_t)endpoint_number(argv[2], 0, BYTES_MAX, "BYTES");
    listen_fd = endpoint_listen(
        poll_fd, (uint16_t)endpoint_number(argv[1], 1, 65535, "PORT"));
    for (;;) {
        int n = epoll_wait(poll_fd, events, ENDPOINT_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listen_fd)
                accept_clients(poll_fd, listen_fd);
            else
                on_event(events[i].data.fd, events[i].events);
        }
    }
}
