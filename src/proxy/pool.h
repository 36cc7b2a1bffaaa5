/* SPDX-License-Identifier: MIT */
/*
 * Connections to servers, and those that are kept for the next flow.
 *
 *      pool_connect ─▶ in use ─▶ pool_close
 *                        ▲ │
 *              pool_take │ ▼ pool_keep
 *                       kept ─▶ closed by its expiry, the server, or need
 *
 * A kept connection goes on holding its slot of the server, so that what is
 * kept counts towards `maxconn`.
 */
#ifndef PROXY_POOL_H
#define PROXY_POOL_H

#include <stdbool.h>

#include "base/list.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/stream.h"
#include "proxy/upstream.h"

enum {
    POOL_IDLE_MS = 60000, /* a kept connection that nobody wanted is closed */
    POOL_PROBE_MS = 1000, /* one that is older than this is worth a system call
                             for its keep-alive probes, which begin after hours
                             (tcp(7), tcp_keepalive_time) */
};

/* A connection to a server.  Its user sets stream.on_ready and owner. */
struct server_conn {
    struct stream stream;
    struct slab *slab; /* its memory's; the server may go before it */
    struct server *server;
    void *owner;
    struct list link;   /* in server->idle while it is kept */
    struct timer timer; /* in use: until it is probed; kept: its expiry */
    struct deferred cleanup;
    uint32_t addr_version; /* of the server's that its address is one of */
    bool reused;           /* it has served before */
    bool probed;           /* SO_KEEPALIVE is on */
};

/* Begins to connect to the next address of SERVER; ON_READY is called with the
 * connection's stream.  NULL with errno, or because it has no address. */
struct server_conn *
pool_connect(struct server *server, stream_fn on_ready, void *owner) MUST_CHECK;

/* A kept connection of SERVER, the one that was used last.  Its slot is the
 * taker's.  NULL when there is none; or it went to an address that is no longer
 * the server's, and has been closed: the slot is the taker's all the same. */
struct server_conn *
pool_take(struct server *server, stream_fn on_ready, void *owner);

/* Has the kernel find out about a server that is gone (SO_KEEPALIVE), once the
 * connection has been in use for POOL_PROBE_MS. */
void pool_probe_later(struct server_conn *conn);

/* Whether a connection to SERVER that is no longer used would be kept. */
bool pool_wants(const struct server *server);

/* Keeps the connection, which has nothing under way, and its slot. */
void pool_keep(struct server_conn *conn);

/* Closes it; its memory goes at the end of the turn.  NULL does nothing.  Of a
 * kept one the slot is given back. */
void pool_close(struct server_conn *conn);

/* While work waits for UPSTREAM's servers: closes kept connections, whose slots
 * are wanted. */
void pool_make_room(struct upstream *upstream);

/* Closes all that is kept of SERVER. */
void pool_drop_idle_of(struct server *server);

/* Closes what UPSTREAM keeps to addresses that its servers have no more. */
void pool_drop_gone(struct upstream *upstream);

/* Closes all that UPSTREAM keeps. */
void pool_drop_idle(struct upstream *upstream);

static inline struct server_conn *
server_conn_of(struct stream *stream)
{
    return container_of(stream, struct server_conn, stream);
}

#endif
