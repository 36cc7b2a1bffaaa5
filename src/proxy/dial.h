/* SPDX-License-Identifier: MIT */
/*
 * Finds a server for a flow and connects to it: the policy's pick, a slot, the
 * connect with its timeout, and further attempts on other servers.  A kept
 * connection is used where the upstream has one.
 *
 *      dial_start ─▶ take ─▶ kept? ───────────────▶ on_done(connected)
 *                    ▲ ▲ └▶ full: queue  └▶ connect ── ok ──▶
 *                    │ └── a turn ◀┘          │
 *                    └── retry ◀── failed, late
 *
 * Where all servers are at their maxconn the flow waits in the upstream's
 * queue, and with `hold` also while none is in service.
 */
#ifndef PROXY_DIAL_H
#define PROXY_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"
#include "net/loop.h"
#include "proxy/flow.h"
#include "proxy/pool.h"

enum {
    DIAL_SAME_SERVER_MS = 1000, /* before a server is tried a second time */
};

enum dial_result {
    DIAL_CONNECTED, /* dial->conn is the connection, flow->server its server */
    DIAL_DOWN,      /* no server is up */
    DIAL_FULL,      /* all are at their maxconn */
    DIAL_REFUSED,   /* the policy said no */
    DIAL_FAILED,    /* the last attempt did not connect */
    DIAL_TIMEOUT,   /* the last attempt took too long */
    DIAL_EXPIRED,   /* it has waited in a queue for queue_timeout */
};

struct dial;
typedef void (*dial_fn)(struct dial *dial, enum dial_result result);

struct dial {
    struct engine *engine;
    struct flow *flow;
    const struct limits_conf *limits;
    dial_fn on_done;
    struct server_conn *conn; /* the callee's to close or keep once connected */
    struct timer timer;       /* of the connect, of the pause before it, or of
                                 the wait in a queue */
    struct waiter waiter;     /* in the upstream's queue, or a server's */
    unsigned attempts;        /* made so far */
    bool fresh;               /* use no kept connection any more */
    const char *reason;       /* of the last failure, in words */
    uint64_t picked_us;       /* clock_us() when this server was given */
    uint64_t started_us;      /* and when the last attempt began */
    uint64_t queued_us;       /* when it last entered a queue */
};

/* Before the first dial_start; FLOW's upstream is set by then. */
void dial_init(struct dial *dial, struct engine *engine, struct flow *flow,
               const struct limits_conf *limits, dial_fn on_done);

/* Starts.  on_done may be called before it returns, and is called once, with
 * dial->reason in words unless it is connected. */
void dial_start(struct dial *dial);

/* Whether `retries` and `retry_on` allow another attempt because of WHY. */
bool dial_may_retry(const struct dial *dial, enum retry_on why);

/* What the connected server was asked for failed in a way that WHY of
 * `retry_on` allows to try again: gives the server back (the connection is
 * closed by the caller, before), and starts again if `retries` and
 * `retry_on` allow it.  false: they do not, or the server is gone. */
bool dial_again(struct dial *dial, enum retry_on why, const char *reason);

/* Ends an attempt under way; what it held is given back.  A dial that is
 * connected is left alone. */
void dial_stop(struct dial *dial);

/* The server that it connects to has gone down: tries another one, if
 * `retry_on` and `retries` allow it, and waits for this one else. */
void dial_server_gone(struct dial *dial, const char *why);

#endif
