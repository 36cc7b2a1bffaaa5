/* SPDX-License-Identifier: MIT */
/*
 * Accepts connections on a listening socket, a batch a turn so that a flood
 * of new ones does not starve those that are open.  When descriptors or memory
 * run out it pauses and tries again: a full table ends no worker.
 */
#ifndef NET_ACCEPTOR_H
#define NET_ACCEPTOR_H

#include "base/addr.h"
#include "base/mem.h"
#include "net/loop.h"

enum {
    ACCEPTOR_BATCH = 64,     /* connections accepted in one turn, unless
                                it has become long */
    ACCEPTOR_PAUSE_MS = 100, /* when one cannot be taken now */
};

struct acceptor;

/* A client has connected: FD is the callee's from then on. */
typedef void (*acceptor_fn)(struct acceptor *acceptor, int fd,
                            const struct addr *client);

/* Asked before each accept: false makes the client wait in the backlog (and
 * the acceptor ask again a little later).  DISMISS takes back an admission
 * that nobody came for. */
typedef bool (*acceptor_admit_fn)(struct acceptor *acceptor);
typedef void (*acceptor_dismiss_fn)(struct acceptor *acceptor);

struct acceptor {
    void *owner; /* for the callbacks */
    struct watch watch;
    struct deferred backlog; /* to be looked at, at the end of the turn */
    struct timer pause;
    acceptor_fn on_client;
    acceptor_admit_fn admit;
    acceptor_dismiss_fn dismiss;
    struct loop *loop;
    int fd;
    bool probes; /* accepted sockets find out about a client that is gone
                    (SO_KEEPALIVE); set before the start */
    bool watching;
    uint64_t warned_ms; /* when running out was last told */
};

/* Accepts on the listening socket FD, which stays the caller's; on_client,
 * admit and dismiss are set by then.  0, or -1 with errno. */
int
acceptor_start(struct acceptor *acceptor, struct loop *loop, int fd) MUST_CHECK;

/* Takes all clients that wait now, as far as they are admitted. */
void acceptor_take_all(struct acceptor *acceptor);

/* Stops; the socket goes on listening.  May be called more than once. */
void acceptor_stop(struct acceptor *acceptor);

#endif
