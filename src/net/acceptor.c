/* SPDX-License-Identifier: MIT */
#include "net/acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    WARN_EVERY_MS = 10000, /* one line for a shortage, not one a try */
};

static void
pause_accepting(struct acceptor *acceptor)
{
    watch_stop(&acceptor->watch);
    acceptor->watching = false;
    loop_start_timer(acceptor->loop, &acceptor->pause, ACCEPTOR_PAUSE_MS);
}

static void
warn_of_shortage(struct acceptor *acceptor, int error)
{
    if (acceptor->warned_ms != 0 &&
        clock_ms() - acceptor->warned_ms < WARN_EVERY_MS)
        return;
    acceptor->warned_ms = clock_ms();
    log_warn("cannot accept a connection: %s; trying again every %d ms",
             strerror(error), ACCEPTOR_PAUSE_MS);
}

/* Errors of one connection that died in the backlog say nothing about the
 * next (accept(2), "Error handling"). */
static bool
is_clients_error(int error)
{
    switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

/* Takes one client; false when there is none, or no room for one. */
static bool
accept_one(struct acceptor *acceptor)
{
    struct addr client;
    int error;
    int fd;

    if (!acceptor->admit(acceptor)) {
        pause_accepting(acceptor);
        return false;
    }
    client.len = sizeof(client.storage);
    fd = accept4(acceptor->fd, &client.sa, &client.len,
                 SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        acceptor->on_client(acceptor, fd, &client);
        return true;
    }
    error = errno;
    acceptor->dismiss(acceptor);
    if (is_clients_error(error))
        return true;
    if (error == EAGAIN)
        return false;
    pause_accepting(acceptor);
    warn_of_shortage(acceptor, error);
    return false;
}

static void
on_backlog(struct deferred *backlog)
{
    struct acceptor *acceptor = container_of(backlog, struct acceptor, backlog);

    for (unsigned i = 0; i < ACCEPTOR_BATCH && acceptor->watching; i++) {
        /* What is done for a new client at once may take its time. */
        if (!accept_one(acceptor) || clock_is_late())
            return;
    }
}

/* Who is connected goes first: epoll tells of listening sockets before those
 * that have become ready since. */
static void
on_client_there(struct watch *watch)
{
    struct acceptor *acceptor = container_of(watch, struct acceptor, watch);

    loop_defer(acceptor->loop, &acceptor->backlog);
}

static void
on_pause_over(struct timer *timer)
{
    struct acceptor *acceptor = container_of(timer, struct acceptor, pause);

    if (watch_start(&acceptor->watch, acceptor->loop, acceptor->fd,
                    on_client_there) < 0) {
        loop_start_timer(acceptor->loop, timer, ACCEPTOR_PAUSE_MS);
        return;
    }
    acceptor->watching = true;
}

int
acceptor_start(struct acceptor *acceptor, struct loop *loop, int fd)
{
    int nodelay = 1;
    int keepalive = acceptor->probes;

    /* Accepted sockets inherit both: no system call for each.  The first one
     * fails on a Unix socket, which does not need it. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof(nodelay));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keepalive,
                     sizeof(keepalive));
    acceptor->loop = loop;
    acceptor->fd = fd;
    acceptor->warned_ms = 0;
    timer_init(&acceptor->pause, on_pause_over);
    deferred_init(&acceptor->backlog, on_backlog);
    if (watch_start(&acceptor->watch, loop, fd, on_client_there) < 0)
        return -1;
    acceptor->watching = true;
    return 0;
}

void
acceptor_take_all(struct acceptor *acceptor)
{
    while (acceptor->watching && accept_one(acceptor))
        continue;
}

void
acceptor_stop(struct acceptor *acceptor)
{
    if (acceptor->watching)
        watch_stop(&acceptor->watch);
    acceptor->watching = false;
    deferred_cancel(&acceptor->backlog);
    timer_stop(&acceptor->pause);
}
