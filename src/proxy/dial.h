/* SPDX-License-Identifier: MIT */
/*
 * Finds a server for a flow and connects to it: the policy's pick, a slot, the
 * connect with its timeout, and further attempts on other servers.  A kept
 * connection is used where the upstream has one.
 *
 *      dial_start ─▶ take ─▶ kept? ───────────────▶ on_done(connected)
 *                     ▲        └▶ connect ── ok ──▶
 *                     └── retry ◀── failed, late
 */
#ifndef PROXY_DIAL_H
#define PROXY_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"
#include "net/loop.h"
#include "net/stream.h"
#include "proxy/flow.h"
#include "proxy/upstream.h"

enum dial_error {
    DIAL_CONNECTED = 0, /* dial->conn is the connection */
    DIAL_DOWN,          /* no server is up, or none is left to try */
    DIAL_FULL,          /* all are at their maxconn */
    DIAL_REFUSED,       /* the policy said no: dial->reason */
    DIAL_FAILED,        /* the last attempt did not connect: dial->reason */
    DIAL_TIMEOUT,       /* the last attempt took too long */
};

/* A connection to a server, in use or kept. */
struct server_conn {
    struct stream stream;
    struct server *server;
    struct engine *engine;
    struct list link;    /* in server->idle while it is kept */
    struct timer expiry; /* of a kept one */
    struct deferred cleanup;
    bool reused; /* it has served before */
};

struct dial;
typedef void (*dial_fn)(struct dial *dial, enum dial_error result);

struct dial {
    struct engine *engine;
    struct flow *flow;
    const struct limits_conf *limits;
    dial_fn on_done;
    struct server_conn *conn; /* being connected, then the callee's to close */
    struct timer timer;       /* connect_timeout */
    unsigned attempts;        /* made so far */
    bool fresh;               /* do not use kept connections any more */
    const char *reason;       /* of the last failure, in words */
    uint64_t picked_us;       /* clock_us() when a server was given */
};

/* Before the first dial_start; FLOW's upstream is set by then. */
void dial_init(struct dial *dial, struct engine *engine, struct flow *flow,
               const struct limits_conf *limits, dial_fn on_done);

/* Starts.  on_done may be called before it returns. */
void dial_start(struct dial *dial);

/* The work on the connected server failed in a way that allows another
 * attempt: gives the server back, notes it as tried, and starts again if
 * `retries` allows.  false: it does not; the server was given back. */
bool dial_again(struct dial *dial, const char *reason);

/* Ends an attempt under way.  A connected dial is left alone. */
void dial_stop(struct dial *dial);

/* Closes a connection; its memory goes at the end of the turn. */
void server_conn_close(struct server_conn *conn);

/* Keeps a connection for the next flow, if the upstream keeps any and has
 * room; closes it otherwise.  The slot is given back by the caller. */
void server_conn_keep(struct server_conn *conn);

/* Closes every kept connection of the upstream. */
void server_conn_drop_idle(struct upstream *upstream);

#endif
