/* SPDX-License-Identifier: MIT */
/*
 * A short read means that the socket was empty, and a new edge will come: so
 * one recv a message is enough.  The exception is a peer that has ended its
 * side: its end may have come with the edge that was just used up, so then
 * reading goes on to the end (epoll(7), EPOLLRDHUP).  A break that came with
 * that edge is found later (loop.h, struct doubt).
 */
#include "net/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"

static ssize_t
plain_read(struct stream *stream, void *p, size_t n)
{
    return recv(stream->fd, p, n, 0);
}

static ssize_t
plain_writev(struct stream *stream, const struct iovec *iov, int n, bool more)
{
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    struct msghdr msg = {
        .msg_iov = (struct iovec *)(uintptr_t)iov,
        .msg_iovlen = (size_t)n,
    };

    if (n == 1)
        return send(stream->fd, iov->iov_base, iov->iov_len, flags);
    return sendmsg(stream->fd, &msg, flags);
}

static ssize_t
plain_sendfile(struct stream *stream, int fd, off_t offset, size_t n)
{
    return sendfile(stream->fd, fd, &offset, n);
}

static int
plain_shutdown(struct stream *stream)
{
    return shutdown(stream->fd, SHUT_WR);
}

static const struct stream_ops plain_ops = {
    .read = plain_read,
    .writev = plain_writev,
    .sendfile = plain_sendfile,
    .shutdown = plain_shutdown,
};

static void
on_edge(evutil_socket_t fd, short what, void *arg)
{
    struct stream *stream = arg;

    (void)fd;
    loop_wake(stream->loop);
    if ((what & EV_CLOSED) != 0)
        stream->hung_up = true;
    if ((what & (EV_READ | EV_CLOSED)) != 0)
        stream->readable = true;
    if ((what & EV_WRITE) != 0)
        stream->writable = true;
    stream->on_ready(stream);
}

static void
on_broken(struct doubt *doubt)
{
    struct stream *stream = container_of(doubt, struct stream, doubt);

    stream->hung_up = stream->readable = stream->writable = true;
    stream->on_ready(stream);
}

static int
register_socket(struct stream *stream, struct loop *loop, int fd,
                stream_fn on_ready)
{
    stream->loop = loop;
    stream->ops = &plain_ops;
    stream->on_ready = on_ready;
    stream->fd = fd;
    stream->hung_up = false;
    doubt_init(&stream->doubt, on_broken);
    if (event_assign(&stream->event, loop_base(loop), fd,
                     EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST,
                     on_edge, stream) == 0 &&
        event_add(&stream->event, NULL) == 0)
        return 0;
    stream->fd = -1;
    if (errno == 0)
        errno = ENOMEM;
    return -1;
}

int
stream_open(struct stream *stream, struct loop *loop, int fd,
            stream_fn on_ready)
{
    stream->readable = true;
    stream->writable = true;
    return register_socket(stream, loop, fd, on_ready);
}

int
stream_connect(struct stream *stream, struct loop *loop,
               const struct addr *addr, stream_fn on_ready)
{
    int fd = socket(addr->sa.sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    int saved;

    if (fd < 0)
        return -1;
    if (addr->sa.sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    stream->readable = false;
    stream->writable = connect(fd, &addr->sa, addr->len) == 0;
    if (!stream->writable && errno != EINPROGRESS)
        goto close_fd;
    if (register_socket(stream, loop, fd, on_ready) == 0)
        return 0;

close_fd:
    saved = errno;
    close(fd);
    stream->fd = -1;
    errno = saved;
    return -1;
}

int
stream_connect_error(struct stream *stream)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (!stream->writable && !stream->readable)
        return EINPROGRESS;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return errno;
    return error;
}

void
stream_close(struct stream *stream)
{
    if (stream->fd < 0)
        return;
    event_del(&stream->event);
    doubt_cancel(&stream->doubt);
    close(stream->fd);
    stream->fd = -1;
    stream->readable = stream->writable = false;
}

void
stream_reset(struct stream *stream)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (stream->fd < 0)
        return;
    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    stream_close(stream);
}

bool
stream_is_open(const struct stream *stream)
{
    return stream->fd >= 0;
}

ssize_t
stream_read(struct stream *stream, void *p, size_t n)
{
    ssize_t got;

    do
        got = stream->ops->read(stream, p, n);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        stream->readable = false;
    } else if (got > 0 && (size_t)got < n && !stream->hung_up) {
        stream->readable = false;
        loop_doubt(stream->loop, &stream->doubt, stream->fd);
    }
    return got;
}

static ssize_t
write_pieces(struct stream *stream, const struct iovec *iov, int n, bool more)
{
    size_t total = 0;
    ssize_t sent;

    for (int i = 0; i < n; i++)
        total += iov[i].iov_len;
    do
        sent = stream->ops->writev(stream, iov, n, more);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 || (size_t)sent < total)
        stream->writable = false;
    return sent;
}

ssize_t
stream_writev(struct stream *stream, const struct iovec *iov, int n)
{
    return write_pieces(stream, iov, n, false);
}

ssize_t
stream_writev_more(struct stream *stream, const struct iovec *iov, int n)
{
    return write_pieces(stream, iov, n, true);
}

ssize_t
stream_write(struct stream *stream, const void *p, size_t n)
{
    struct iovec iov = {
        .iov_base = (void *)(uintptr_t)p,
        .iov_len = n,
    };

    return stream_writev(stream, &iov, 1);
}

ssize_t
stream_sendfile(struct stream *stream, int fd, off_t offset, size_t n)
{
    ssize_t sent;

    do
        sent = stream->ops->sendfile(stream, fd, offset, n);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 || (sent > 0 && (size_t)sent < n))
        stream->writable = false;
    return sent;
}

/* Taking the socket out of epoll and putting it back makes a new edge of what
 * is ready already (epoll(7)). */
int
stream_yield(struct stream *stream)
{
    stream->readable = stream->writable = false;
    if (event_del(&stream->event) == 0 && event_add(&stream->event, NULL) == 0)
        return 0;
    if (errno == 0)
        errno = ENOMEM;
    return -1;
}

int
stream_shutdown(struct stream *stream)
{
    return stream->ops->shutdown(stream);
}

void
stream_set_keepalive(struct stream *stream, bool on)
{
    int value = on;

    (void)setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &value,
                     sizeof(value));
}
