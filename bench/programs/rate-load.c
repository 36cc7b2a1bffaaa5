/* SPDX-License-Identifier: MIT */
/*
 * How long an answer takes at a given rate: each of CONNECTIONS clients has its
 * operations at fixed times, evenly spread, whether the one before is answered
 * or not.
 *
 *     rate-load PORT small|churn|/PATH CONNECTIONS RATE MILLISECONDS [HEADER]
 *
 *     small   send 64 bytes, wait for them to come back
 *     churn   connect, do the same once, close
 *     /PATH   ask for it by HTTP, with HEADER, and take the answer
 *
 * What counts is the time from when an operation should have begun to the last
 * byte of its answer, so that one that was late delays no measurement.  The
 * first fifth is not counted.  Prints operations=N errors=N p50_us=T p99_us=T.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"

enum {
    MESSAGE = 64,
    REQUEST_MAX = 1024,
    TAKE = 65536,
    CHUNK_END = 5, /* bytes of what ends a chunked answer */
    CLIENTS_MAX = 5000,
    RATE_MAX = 1000000,
    MS_MAX = 600000,
    SOURCES = 16,           /* addresses that churn comes from */
    GRACE_MS = 5000,        /* for the last answers */
    CONNECT_NS = 100000000, /* for all to be connected before it begins */
    WARM_SHARE = 5,         /* a fifth */
    GIVE_UP = 1000,         /* errors */
};

enum mode {
    MODE_SMALL, /* one message after the other */
    MODE_CHURN, /* a connection for each */
    MODE_HTTP,  /* requests */
};

struct client {
    int fd;               /* -1: not connected */
    bool busy;            /* an operation is under way */
    bool sent;            /* its request as well */
    bool headed;          /* the head of its answer has come */
    bool chunked;         /* no length is known: a last chunk ends it */
    size_t left;          /* bytes that are still to come */
    uint64_t due;         /* operations that should have begun */
    uint64_t begun;       /* operations that have */
    char tail[CHUNK_END]; /* the last bytes that have come */
};

struct load {
    enum mode mode;
    uint16_t port;
    int poll_fd;
    size_t count;   /* of the clients */
    uint64_t total; /* operations */
    double interval_ns;
    int64_t start_ns;
    uint64_t done;
    uint64_t errors;
    unsigned opened; /* connections so far */
    size_t request_len;
    char request[REQUEST_MAX];
    double *latency_us; /* those that are counted */
    size_t counted;
};

static struct client clients[CLIENTS_MAX];
static struct client *client_of[ENDPOINT_FDS_MAX];

static int64_t
now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* When the operation with this number should begin. */
static int64_t
scheduled_ns(const struct load *l, uint64_t number)
{
    return l->start_ns + (int64_t)((double)number * l->interval_ns);
}

static void
client_connect(struct load *l, struct client *c)
{
    unsigned source = l->mode == MODE_CHURN ? 1 + l->opened % SOURCES : 1;

    l->opened++;
    c->fd = endpoint_connect(l->port, source);
    client_of[c->fd] = c;
    endpoint_watch(l->poll_fd, c->fd);
}

static void
client_close(struct client *c)
{
    client_of[c->fd] = NULL;
    (void)close(c->fd);
    c->fd = -1;
}

/* A request is small enough for a connected socket to take it whole. */
static int
client_send(const struct load *l, struct client *c)
{
    ssize_t n = send(c->fd, l->request, l->request_len, MSG_NOSIGNAL);

    c->sent = true;
    return n == (ssize_t)l->request_len ? 0 : -1;
}

static void client_next(struct load *l, struct client *c);

/* The end of an operation, good or bad. */
static void
client_done(struct load *l, struct client *c, bool failed)
{
    uint64_t number = (c->begun - 1) * l->count + (uint64_t)(c - clients);
    int64_t took = now_ns() - scheduled_ns(l, number);

    l->done++;
    l->errors += failed;
    if (!failed && number >= l->total / WARM_SHARE)
        l->latency_us[l->counted++] = (double)took / 1000;
    c->busy = false;
    if (failed || l->mode == MODE_CHURN)
        client_close(c);
    if (c->fd < 0 && l->mode != MODE_CHURN)
        client_connect(l, c);
    client_next(l, c);
}

/* Begins the next operation if it is due and none is under way. */
static void
client_next(struct load *l, struct client *c)
{
    if (c->busy || c->begun == c->due || l->errors >= GIVE_UP)
        return;
    c->begun++;
    c->busy = true;
    c->sent = c->headed = c->chunked = false;
    c->left = MESSAGE;
    if (l->mode == MODE_CHURN)
        client_connect(l, c); /* it sends when it is connected */
    else if (client_send(l, c) < 0)
        client_done(l, c, true);
}

/* Reads the head, which comes in one piece; returns its bytes, or -1. */
static ssize_t
read_head(struct client *c, char *p, size_t n)
{
    static const char length[] = "\r\nContent-Length: ";
    char *end, *field;

    p[n] = '\0';
    end = strstr(p, "\r\n\r\n");
    if (end == NULL || strncmp(p, "HTTP/1.1 2", 10) != 0)
        return -1;
    *end = '\0';
    field = strcasestr(p, length);
    c->headed = true;
    c->chunked = field == NULL;
    if (field != NULL)
        c->left = strtoul(field + sizeof(length) - 1, NULL, 10);
    return end + 4 - p;
}

static void
keep_tail(struct client *c, const char *p, size_t n)
{
    if (n >= CHUNK_END) {
        memcpy(c->tail, p + n - CHUNK_END, CHUNK_END);
        return;
    }
    memmove(c->tail, c->tail + n, CHUNK_END - n);
    memcpy(c->tail + CHUNK_END - n, p, n);
}

/* Takes a part of the answer: 1 when that was all, 0, or -1.  The content is
 * never what ends a chunked answer. */
static int
take_answer(const struct load *l, struct client *c, char *p, size_t n)
{
    if (l->mode == MODE_HTTP && !c->headed) {
        ssize_t head = read_head(c, p, n);

        if (head < 0)
            return -1;
        p += head;
        n -= (size_t)head;
    }
    if (c->chunked) {
        keep_tail(c, p, n);
        return memcmp(c->tail, "0\r\n\r\n", CHUNK_END) == 0;
    }
    if (n > c->left)
        return -1;
    c->left -= n;
    return c->left == 0;
}

static void
client_read(struct load *l, struct client *c)
{
    static char buffer[TAKE + 1];
    int fd = c->fd;

    while (c->fd == fd) {
        ssize_t n = recv(fd, buffer, TAKE, 0);
        int result;

        if (n < 0 && endpoint_must_wait())
            return;
        if (!c->busy) { /* closed while idle, or nobody has asked for that */
            client_close(c);
            l->errors++;
            client_connect(l, c);
            return;
        }
        result = n > 0 ? take_answer(l, c, buffer, (size_t)n) : -1;
        if (result != 0)
            client_done(l, c, result < 0);
        if (result != 0 || n < TAKE)
            return;
    }
}

static void
on_event(struct load *l, int fd, uint32_t events)
{
    struct client *c = client_of[fd];

    if (c == NULL)
        return;
    if (c->busy && !c->sent) {
        if ((events & EPOLLOUT) == 0 || client_send(l, c) < 0)
            client_done(l, c, true);
        return;
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        client_read(l, c);
}

static void
wait_for_events(struct load *l, int64_t until_ns)
{
    struct epoll_event events[ENDPOINT_EVENTS];
    int64_t left = until_ns - now_ns();
    struct timespec ts = {0};
    int n;

    if (left > 0) {
        ts.tv_sec = left / 1000000000;
        ts.tv_nsec = left % 1000000000;
    }
    n = epoll_pwait2(l->poll_fd, events, ENDPOINT_EVENTS, &ts, NULL);
    for (int i = 0; i < n; i++)
        on_event(l, events[i].data.fd, events[i].events);
}

static void
run(struct load *l)
{
    uint64_t next = 0;
    int64_t end;

    l->start_ns = now_ns();
    end = scheduled_ns(l, l->total) + (int64_t)GRACE_MS * 1000000;
    while (l->done < l->total && l->errors < GIVE_UP && now_ns() < end) {
        while (next < l->total && scheduled_ns(l, next) <= now_ns()) {
            struct client *c = &clients[next++ % l->count];

            c->due++;
            client_next(l, c);
        }
        wait_for_events(l, next < l->total ? scheduled_ns(l, next) : end);
    }
    l->errors += l->total - l->done;
}

static void
connect_all(struct load *l)
{
    int64_t until = now_ns() + CONNECT_NS;

    for (size_t i = 0; i < l->count; i++) {
        clients[i].fd = -1;
        if (l->mode != MODE_CHURN)
            client_connect(l, &clients[i]);
    }
    while (l->mode != MODE_CHURN && now_ns() < until)
        wait_for_events(l, until);
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
percentile(const struct load *l, double share)
{
    if (l->counted == 0)
        return 0;
    return l->latency_us[(size_t)((double)(l->counted - 1) * share)];
}

static void
usage(void)
{
    (void)fprintf(stderr, "usage: rate-load PORT small|churn|/PATH CONNECTIONS "
                          "RATE MILLISECONDS [HEADER]\n");
    exit(EXIT_FAILURE);
}

static void
read_mode(struct load *l, const char *mode, const char *header)
{
    int n;

    l->request_len = MESSAGE;
    if (strcmp(mode, "small") == 0) {
        l->mode = MODE_SMALL;
        return;
    }
    if (strcmp(mode, "churn") == 0) {
        l->mode = MODE_CHURN;
        return;
    }
    if (mode[0] != '/')
        usage();
    l->mode = MODE_HTTP;
    n = snprintf(l->request, sizeof(l->request),
                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s\r\n", mode,
                 header != NULL ? header : "", header != NULL ? "\r\n" : "");
    if (n < 0 || n >= REQUEST_MAX)
        usage();
    l->request_len = (size_t)n;
}

int
main(int argc, char **argv)
{
    static struct load l;
    double rate;
    long ms;

    if (argc < 6 || argc > 7)
        usage();
    l.port = (uint16_t)endpoint_number(argv[1], 1, 65535, "PORT");
    read_mode(&l, argv[2], argv[6]);
    l.count = (size_t)endpoint_number(argv[3], 1, CLIENTS_MAX, "CONNECTIONS");
    rate = (double)endpoint_number(argv[4], 1, RATE_MAX, "RATE");
    ms = endpoint_number(argv[5], 1, MS_MAX, "MILLISECONDS");
    l.interval_ns = 1e9 / rate;
    l.total = (uint64_t)(rate * (double)ms / 1000) + 1;
    l.latency_us = calloc(l.total, sizeof(double));
    if (l.latency_us == NULL)
        endpoint_fail("calloc");
    l.poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (prctl(PR_SET_TIMERSLACK, 1) < 0)
        endpoint_fail("prctl");
    connect_all(&l);
    run(&l);
    qsort(l.latency_us, l.counted, sizeof(double), compare);
    (void)printf("operations=%llu errors=%llu p50_us=%.1f p99_us=%.1f\n",
                 (unsigned long long)l.done, (unsigned long long)l.errors,
                 percentile(&l, 0.5), percentile(&l, 0.99));
    return EXIT_SUCCESS;
}
