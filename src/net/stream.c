/* SPDX-License-Identifier: MIT */
/*
 * A short read means that the socket was empty, and a new edge will come: so
 * one recv a message is enough.  The exception is a peer that has ended its
 * side: its end may have come with the edge that was just used up, so then
 * reading goes on to the end (epoll(7), EPOLLRDHUP).  A break that came with
 * that edge is found later (loop.h, struct doubt).
 */
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/confine.h"
#include "net/conduit.h"
#include "net/loop.h"

enum {
    JOIN_MAX = 4096, /* bytes of pieces that are copied together */
};

static ssize_t
plain_read(struct stream *stream, void *p, size_t n)
{
    return recv(stream->fd, p, n, 0);
}

/* For a few bytes sendmsg costs more than to copy them together and send. */
static ssize_t
send_joined(int fd, const struct iovec *iov, int n, int flags)
{
    char joined[JOIN_MAX];
    size_t len = 0;

    for (int i = 0; i < n; i++) {
        memcpy(joined + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    return send(fd, joined, len, flags);
}

static ssize_t
plain_writev(struct stream *stream, const struct iovec *iov, int n,
             size_t total, bool more)
{
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    struct msghdr msg = {
        .msg_iov = (struct iovec *)(uintptr_t)iov,
        .msg_iovlen = (size_t)n,
    };

    if (n == 1)
        return send(stream->fd, iov->iov_base, total, flags);
    if (total <= JOIN_MAX)
        return send_joined(stream->fd, iov, n, flags);
    return sendmsg(stream->fd, &msg, flags);
}

static ssize_t
plain_sendfile(struct stream *stream, int fd, off_t offset, size_t n)
{
    return sendfile(stream->fd, fd, &offset, n);
}

static ssize_t
plain_splice_in(struct stream *stream, int pipe)
{
    return splice(stream->fd, NULL, pipe, NULL, CONDUIT_SIZE,
                  SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

static ssize_t
plain_splice_out(struct stream *stream, int pipe, size_t n)
{
    return splice(pipe, NULL, stream->fd, NULL, n,
                  SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
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
    .splice_in = plain_splice_in,
    .splice_out = plain_splice_out,
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
    /* Either may have waited for the other. */
    if (stream->ops->pending != NULL)
        stream->readable = stream->writable = true;
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
    stream->written = false;
    stream->tls = NULL;
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
    stream->delays = false; /* accepted sockets inherit TCP_NODELAY */
    return register_socket(stream, loop, fd, on_ready);
}

/* A Unix socket has another path where this process is confined. */
static int
connect_to(int fd, const struct addr *addr)
{
    const char *path = addr->un.sun_path;
    struct addr inside;

    if (addr->sa.sa_family != AF_UNIX || !confine_is_on() || *path == '\0')
        return connect(fd, &addr->sa, addr->len);
    inside = *addr;
    path = confine_path(path);
    memset(inside.un.sun_path, 0, sizeof(inside.un.sun_path));
    memcpy(inside.un.sun_path, path, strlen(path));
    return connect(fd, &inside.sa, sizeof(inside.un));
}

int
stream_connect(struct stream *stream, struct loop *loop,
               const struct addr *addr, stream_fn on_ready)
{
    int fd = socket(addr->sa.sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int saved;

    if (fd < 0)
        return -1;
    stream->delays = addr->sa.sa_family != AF_UNIX;
    stream->readable = false;
    stream->writable = connect_to(fd, addr) == 0;
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
    /* A failure is reported as both. */
    if (!stream->readable)
        return 0;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return errno;
    return error;
}

bool
stream_error_is_local(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
        return true;
    default:
        return false;
    }
}

void
stream_close(struct stream *stream)
{
    if (stream->fd < 0)
        return;
    if (stream->ops->close != NULL)
        stream->ops->close(stream);
    stream->ops = &plain_ops;
    /* Closing takes the socket out of epoll, so that event_del's own call has
     * nothing left to do: it expects to find the descriptor closed (epoll.c,
     * epoll_apply_one_change).  Nobody else has this socket. */
    close(stream->fd);
    event_del(&stream->event);
    doubt_cancel(&stream->doubt);
    stream->fd = -1;
    stream->readable = stream->writable = false;
}

int
stream_release(struct stream *stream)
{
    int fd = stream->fd;

    assert(stream->tls == NULL);
    event_del(&stream->event);
    doubt_cancel(&stream->doubt);
    stream->fd = -1;
    stream->readable = stream->writable = false;
    return fd;
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

/* TCP_NODELAY from the second write on (stream_connect). */
static void
before_write(struct stream *stream)
{
    int one = 1;

    if (stream->delays && stream->written) {
        setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        stream->delays = false;
    }
    stream->written = true;
}

static ssize_t
write_pieces(struct stream *stream, const struct iovec *iov, int n, bool more)
{
    size_t total = 0;
    ssize_t sent;

    for (int i = 0; i < n; i++)
        total += iov[i].iov_len;
    before_write(stream);
    do
        sent = stream->ops->writev(stream, iov, n, total, more);
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

    before_write(stream);
    do
        sent = stream->ops->sendfile(stream, fd, offset, n);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 || (sent > 0 && (size_t)sent < n))
        stream->writable = false;
    return sent;
}

bool
stream_can_splice(const struct stream *stream)
{
    return stream->ops->splice_in != NULL;
}

/* A short move says nothing of the socket: the pipe may have been full.  Since
 * the pipe was empty, EAGAIN is the socket's. */
ssize_t
stream_splice_in(struct stream *stream, struct conduit *conduit)
{
    ssize_t got;

    assert(conduit->held == 0);
    do
        got = stream->ops->splice_in(stream, conduit->in);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        stream->readable = false;
    else
        conduit->held = (size_t)got;
    return got;
}

ssize_t
stream_splice_out(struct stream *stream, struct conduit *conduit)
{
    ssize_t sent;

    before_write(stream);
    do
        sent = stream->ops->splice_out(stream, conduit->out, conduit->held);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        stream->writable = false;
    else
        conduit->held -= (size_t)sent;
    return sent;
}

/* Taking the socket out of epoll and putting it back makes a new edge of what
 * is ready already (epoll(7)). */
int
stream_yield(struct stream *stream)
{
    stream->readable = stream->writable = false;
    if (event_del(&stream->event) < 0 || event_add(&stream->event, NULL) < 0) {
        if (errno == 0)
            errno = ENOMEM;
        return -1;
    }
    if (stream->ops->pending != NULL && stream->ops->pending(stream))
        event_active(&stream->event, EV_READ, 0);
    return 0;
}

static bool
is_broken(int fd)
{
    struct pollfd about = {.fd = fd};

    /* Asked for or not, these are told. */
    return poll(&about, 1, 0) > 0 && (about.revents & (POLLERR | POLLHUP)) != 0;
}

bool
stream_is_deserted(const struct stream *stream)
{
    char byte;
    ssize_t n;

    /* What is left to be read may be no more than a goodbye. */
    if (stream->tls != NULL && stream->hung_up)
        return true;
    n = recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0)
        return true;
    if (n < 0)
        return errno != EAGAIN && errno != EINTR;
    return is_broken(stream->fd);
}

bool
stream_is_silent(struct stream *stream)
{
    char byte;

    if (stream->ops->pending != NULL && stream->ops->pending(stream))
        return false;
    return recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           errno == EAGAIN;
}

int
stream_shutdown(struct stream *stream)
{
    return stream->ops->shutdown(stream);
}

void
stream_probe(struct stream *stream)
{
    int on = 1;

    (void)setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}
