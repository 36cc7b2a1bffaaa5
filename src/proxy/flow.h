/* SPDX-License-Identifier: MIT */
/*
 * A flow is one piece of work on its way to a server: a TCP connection or an
 * HTTP exchange.  It is what a policy can rest its choice on, and it remembers
 * which servers were tried, so that a retry goes elsewhere.
 */
#ifndef PROXY_FLOW_H
#define PROXY_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/str.h"

enum {
    FLOW_TRIES_MAX = 16, /* attempts remembered; `retries` is below it */
};

struct flow;
struct http_exchange;
struct policy_hooks;
struct server;
struct upstream;

/* What becomes of a flow whose server is gone. It goes on elsewhere if it can,
 * and if not: */
enum flow_gone {
    FLOW_GONE_KEEP,  /* the server is down: the flow stays with it */
    FLOW_GONE_END,   /* the server is down: it ends */
    FLOW_GONE_MAINT, /* the server is in maintenance: it ends */
};

typedef void (*flow_gone_fn)(struct flow *flow, enum flow_gone how,
                             const char *why);

/* How a flow is ended at a moment at which nothing is lost by it. */
struct flow_retire {
    /* Since when, by clock_ms(), it has done nothing, if nothing would be lost
     * now; 0: it is in use, or has something. */
    uint64_t (*idle_since_ms)(const struct flow *flow);
    /* Ends it for WHY, which stays; false: there is something to do after
     * all. */
    bool (*retire)(struct flow *flow, const char *why);
};

struct flow {
    struct upstream *upstream;      /* where it goes; NULL before routing */
    struct server *server;          /* picked and held; NULL between picks */
    struct server *served;          /* the one that was given back last */
    struct server *pinned;          /* a hook named this one; NULL: any */
    struct policy_hooks *policy;    /* held: the upstream's when the flow first
                                       took a server; NULL: it has not yet */
    struct http_exchange *exchange; /* NULL on TCP */
    struct list link;               /* in server->flows while it is held */
    flow_gone_fn on_gone;           /* set by then */
    const struct flow_retire *retire; /* NULL: nobody knows such a moment */

    const struct addr *client;   /* who connected, or whom `trust` believes */
    const struct addr *listener; /* the address it arrived at */
    struct str section;          /* name of the http, tcp or mysql section */
    struct str user;             /* MySQL: who logs in; p is NULL elsewhere */
    struct str schema;           /* likewise; p is NULL: none was named */
    struct str program;          /* likewise: its program_name */

    uint64_t turn; /* valid once has_turn; the same over all retries */
    bool has_turn;

    int32_t priority; /* in queues: smaller goes first */
    bool queued;      /* it waits in a queue */
    bool granted;     /* it has waited: it goes before those who have not */
    struct server *awaited;   /* full: the one to wait for; NULL: any */
    uint64_t queued_us;       /* how long it has waited in queues */
    uint32_t place_of_any;    /* in the upstream's queue; 0: never there */
    uint32_t place_of_server; /* and in a server's */

    uint8_t tried_count;
    uint16_t tried[FLOW_TRIES_MAX]; /* indices of servers, oldest first */
};

/* The server that is held, or was held last; NULL: none ever was. */
struct server *flow_last_server(const struct flow *flow);

/* Whether the server with this index was tried by this flow. */
bool flow_has_tried(const struct flow *flow, unsigned index);

/* Sends the flow to UPSTREAM, and to no other than SERVER unless that is NULL.
 */
void
flow_route(struct flow *flow, struct upstream *upstream, struct server *server);

/* Forgets where the flow went: it is routed again, or over. */
void flow_reroute(struct flow *flow);

/* Notes a failed attempt; the oldest is forgotten beyond FLOW_TRIES_MAX. */
void flow_add_tried(struct flow *flow, unsigned index);

#endif
