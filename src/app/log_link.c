/* SPDX-License-Identifier: MIT */
#include "app/log_link.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    BATCH = 64,            /* messages that leave by one call */
    BACKOFF_MIN_MS = 100,  /* until the second attempt */
    BACKOFF_MAX_MS = 5000, /* between later ones */
    CONNECT_MAX_MS = 5000, /* a handshake that takes longer has failed */
    FRAME_MAX = 16,        /* bytes of a message's length */
};

void
log_link_init(struct log_link *l, enum log_kind kind, const struct addr *addr)
{
    *l = (struct log_link){
        .kind = kind,
        .addr = *addr,
        .stream = kind == LOG_KIND_SYSLOG_TCP,
        .state = LOG_LINK_CLOSED,
        .fd = -1,
    };
    log_queue_init(&l->queue);
}

static void
close_fd(struct log_link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->state = LOG_LINK_CLOSED;
    log_queue_rewind(&l->queue);
}

void
log_link_fini(struct log_link *l)
{
    close_fd(l);
    log_queue_fini(&l->queue);
}

bool
log_link_is_same(const struct log_link *a, const struct log_link *b)
{
    return a->kind == b->kind && addr_equal(&a->addr, &b->addr);
}

void
log_link_disown(struct log_link *l)
{
    close_fd(l);
    log_queue_clear(&l->queue);
    l->retry_ms = l->backoff_ms = 0;
    l->lost = 0;
    l->error = 0;
}

/* --- connections ---------------------------------------------------------- */

static void
fail(struct log_link *l, int error)
{
    close_fd(l);
    l->error = error;
    l->backoff_ms = l->backoff_ms == 0 ? BACKOFF_MIN_MS : l->backoff_ms * 2;
    if (l->backoff_ms > BACKOFF_MAX_MS)
        l->backoff_ms = BACKOFF_MAX_MS;
    l->retry_ms = clock_ms() + l->backoff_ms;
}

/* What nobody listened for comes back as an error of a later datagram; with
 * these options as one that can be counted. */
static int
open_udp(const struct addr *addr)
{
    int family = addr->sa.sa_family;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
    return fd;
}

static int
connect_as(const struct addr *addr, int type)
{
    int fd = socket(addr->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0 || connect(fd, &addr->sa, addr->len) == 0 ||
        errno == EINPROGRESS)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

int
log_link_connect_local(const struct addr *addr, bool *stream)
{
    int fd = connect_as(addr, SOCK_DGRAM);
    bool is_stream = fd < 0 && errno == EPROTOTYPE;

    if (is_stream)
        fd = connect_as(addr, SOCK_STREAM);
    if (fd >= 0)
        *stream = is_stream;
    return fd;
}

static bool
is_local(const struct log_link *l)
{
    return l->kind == LOG_KIND_SYSLOG_DEV || l->kind == LOG_KIND_JOURNALD;
}

static void
open_link(struct log_link *l)
{
    if (is_local(l))
        l->fd = log_link_connect_local(&l->addr, &l->stream);
    else if (l->stream)
        l->fd = connect_as(&l->addr, SOCK_STREAM);
    else
        l->fd = open_udp(&l->addr);
    if (l->fd < 0) {
        fail(l, errno);
        l->wants_help = is_local(l);
        return;
    }
    l->since_ms = clock_ms();
    l->state =
        l->kind == LOG_KIND_SYSLOG_TCP ? LOG_LINK_CONNECTING : LOG_LINK_OPEN;
}

void
log_link_adopt(struct log_link *l, int fd)
{
    int type = SOCK_DGRAM;
    socklen_t len = sizeof(type);

    (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    close_fd(l);
    l->fd = fd;
    l->stream = type == SOCK_STREAM;
    l->state = LOG_LINK_OPEN;
    log_link_flush(l);
}

static void
look_at_handshake(struct log_link *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLOUT};
    int error = 0;
    socklen_t len = sizeof(error);

    if (poll(&p, 1, 0) == 1) {
        (void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0)
            fail(l, error);
        else
            l->state = LOG_LINK_OPEN;
    } else if (clock_ms() - l->since_ms > CONNECT_MAX_MS) {
        fail(l, ETIMEDOUT);
    }
}

/* A receiver says nothing, but that it is gone: bytes that are sent afterwards
 * would be lost without a word. */
static void
look_for_end(struct log_link *l)
{
    char ignored[256];
    ssize_t n;

    do {
        n = recv(l->fd, ignored, sizeof(ignored), MSG_DONTWAIT);
    } while (n > 0);
    if (n == 0)
        fail(l, EPIPE);
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        fail(l, errno);
}

/* Whether messages may leave. */
static bool
is_open(struct log_link *l)
{
    if (l->state == LOG_LINK_CLOSED && clock_ms() >= l->retry_ms)
        open_link(l);
    if (l->state == LOG_LINK_CONNECTING)
        look_at_handshake(l);
    if (l->state == LOG_LINK_OPEN && l->stream)
        look_for_end(l);
    return l->state == LOG_LINK_OPEN;
}

/* --- messages ------------------------------------------------------------- */

static bool
is_for_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS ||
           error == EINTR;
}

/* Takes the errors of earlier datagrams off the socket, and counts each. */
static void
count_returned(struct log_link *l)
{
    char control[512];
    struct msghdr message = {.msg_control = control};
    unsigned n = 0;

    do {
        message.msg_controllen = sizeof(control);
        n++;
    } while (recvmsg(l->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0);
    l->lost += n - 1;
}

static bool
send_once(struct log_link *l, struct iovec *iov, unsigned count)
{
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};

    if (!is_local(l)) {
        message.msg_name = &l->addr.sa;
        message.msg_namelen = l->addr.len;
    }
    return sendmsg(l->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* True when the datagram needs no more care: it has left, or never will. */
static bool
send_datagram(struct log_link *l, struct iovec *iov, unsigned count)
{
    if (send_once(l, iov, count)) {
        l->backoff_ms = 0;
        return true;
    }
    if (!is_local(l) && !is_for_later(errno)) {
        l->error = errno;
        count_returned(l);
        if (send_once(l, iov, count))
            return true;
    }
    if (is_for_later(errno))
        return false;
    l->error = errno;
    if (is_local(l) && errno != EMSGSIZE) {
        fail(l, errno);
        return false;
    }
    l->lost++;
    return true;
}

static void
flush_datagrams(struct log_link *l)
{
    struct iovec iov;

    while (log_queue_peek(&l->queue, &iov, 1) == 1) {
        if (l->kind == LOG_KIND_SYSLOG_DEV)
            iov.iov_len--;
        if (!send_datagram(l, &iov, 1))
            return;
        log_queue_drop_first(&l->queue);
    }
}

static void
flush_stream(struct log_link *l)
{
    struct iovec iov[BATCH];
    struct msghdr message = {.msg_iov = iov};
    unsigned count;

    while ((count = log_queue_peek(&l->queue, iov, BATCH)) > 0) {
        ssize_t n;

        message.msg_iovlen = count;
        n = sendmsg(l->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && !is_for_later(errno))
            fail(l, errno);
        if (n < 0)
            return;
        l->backoff_ms = 0;
        log_queue_take(&l->queue, (size_t)n);
    }
}

void
log_link_flush(struct log_link *l)
{
    /* A connection that has failed is tried again at once, if it may be: the
     * receiver may have been started anew meanwhile. */
    for (int i = 0; i < 2 && log_link_is_pending(l) && is_open(l); i++) {
        if (l->stream)
            flush_stream(l);
        else
            flush_datagrams(l);
    }
}

bool
log_link_is_pending(const struct log_link *l)
{
    return l->queue.count > 0;
}

/* Messages of a stream need a border: by TCP their length goes before them
 * (RFC 6587, 3.4.1), in the local stream a NUL follows, as of syslog(3). What
 * waits for the local socket has the NUL in any case: whether it is a stream
 * is known once it was opened. */
static bool
enqueue(struct log_link *l, struct iovec *parts)
{
    char length[FRAME_MAX] = "";
    struct iovec iov[4] = {{length, 0}, parts[0], parts[1], parts[2]};

    if (l->kind == LOG_KIND_SYSLOG_TCP)
        iov[0].iov_len = (size_t)snprintf(length, sizeof(length), "%zu ",
                                          parts[0].iov_len + parts[1].iov_len);
    else if (l->kind == LOG_KIND_SYSLOG_DEV)
        iov[3] = (struct iovec){length, 1};
    return log_queue_put(&l->queue, iov, 4);
}

void
log_link_put(struct log_link *l, struct str head, struct str text)
{
    /* journald takes what has no line feed behind it for noise, and drops it.
     */
    struct iovec parts[3] = {
        {(void *)(uintptr_t)head.p, head.len},
        {(void *)(uintptr_t)text.p, text.len},
        {(void *)(uintptr_t) "\n", l->kind == LOG_KIND_JOURNALD ? 1 : 0},
    };
    bool direct = l->kind != LOG_KIND_SYSLOG_TCP && !log_link_is_pending(l);

    if (direct && is_open(l) && !l->stream && send_datagram(l, parts, 3))
        return;
    if (!enqueue(l, parts))
        l->lost++;
}

void
log_link_drain(struct log_link *l, unsigned at_most_ms)
{
    clock_update();
    for (unsigned waited = 0; waited <= at_most_ms; waited += 10) {
        struct pollfd p = {.fd = l->fd, .events = POLLOUT};

        log_link_flush(l);
        if (!log_link_is_pending(l) || l->state == LOG_LINK_CLOSED)
            break;
        p.fd = l->fd;
        (void)poll(&p, 1, 10);
        clock_update();
    }
    l->lost += l->queue.count;
    log_queue_clear(&l->queue);
}
