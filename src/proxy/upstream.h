/* SPDX-License-Identifier: MIT */
/*
 * Upstreams and their servers as one worker sees them: the configuration, the
 * rows on the board, the views that policies read, and the one way to take a
 * server for a flow and to give it back.
 *
 *      upstream_take ── roster: views ── policy's pick ── slot on the board
 *           │                                                  │
 *           └── flow->server … connect, relay … ── upstream_give
 *
 * A slot is exact over all workers (board/slots.h), so `maxconn` and `active`
 * are too, and survive the death of a worker.
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "board/rows.h"
#include "board/view.h"
#include "config/model.h"
#include "proxy/flow.h"
#include "proxy/hook.h"
#include "proxy/roster.h"
#include "proxy/wait_queue.h"

struct engine;
struct rebalance;
struct server_counters;
struct tls_client;

struct server {
    struct upstream *upstream;
    const struct server_conf *conf;
    unsigned index;                     /* in upstream->servers and ->views */
    int row;                            /* on the board */
    struct addr addrs[BOARD_ADDRS_MAX]; /* upstream_read_addresses */
    unsigned addr_count;                /* 0: its name does not resolve */
    unsigned addr_next;     /* the one that the next connect tries */
    uint32_t addr_version;  /* of the board's that these are */
    struct list idle;       /* kept connections of this worker */
    unsigned idle_count;    /* changed through upstream_count_idle */
    struct list flows;      /* that hold it, of this worker */
    struct tls_client *tls; /* whom its connections trust; NULL: plain ones */
    bool was_up;            /* when this worker last looked (transition.h) */
    bool was_maint;
    bool was_serving; /* likewise: up, ready, and of some weight */
};

struct upstream {
    struct engine *engine;
    const struct upstream_conf *conf;
    int row; /* on the board: rotation */
    struct server *servers;
    struct server_view *views; /* one a server, fresh during a pick */
    unsigned server_count;
    struct map names;            /* of servers */
    struct roster roster;        /* keeps the views */
    struct wait_queue queue;     /* work that waits for one of them */
    struct policy_hooks *policy; /* held; policy_no_hooks: round robin */
    struct flow *picking;        /* the flow that pick is called for, or NULL */
    bool retired;                /* a newer configuration is in use: no
                                    connection is kept */
    struct rebalance *rebalance; /* NULL: nothing is retired (rebalance.h) */
};

enum upstream_error {
    UPSTREAM_TAKEN = 0,    /* flow->server is set and its slot is held */
    UPSTREAM_DOWN = -1,    /* no server is up, or the pinned one is not */
    UPSTREAM_FULL = -2,    /* servers are up, but all at their maxconn */
    UPSTREAM_REFUSED = -3, /* the policy said no; *reason has its words */
};

/* Finds a server by its name; NULL when there is none. */
struct server *
upstream_find_server(const struct upstream *upstream, struct str name);

/* Brings SERVER's addresses up to date from the board; whether they are others
 * now.  One load where nothing has changed. */
bool upstream_read_addresses(struct server *server);

/* Brings every view up to date from the board, as for a flow that has tried no
 * server (roster.h).  Not during a pick. */
void upstream_refresh(struct upstream *upstream);

/* The number of FLOW's turn at its upstream: one higher for each new flow
 * over all workers, and the same whenever the same flow asks again. */
uint64_t upstream_turn(struct upstream *upstream, struct flow *flow);

/* Chooses a server for FLOW, whose upstream is set, and takes a slot of it.
 * A server with kept connections has a slot to offer with each of them, unless
 * FRESH says that a new connection is wanted.  Where all servers have been
 * tried, all may be tried again: *AGAIN tells.  UPSTREAM_FULL means that it may
 * wait, for flow->awaited where that is set; whoever has not waited yet is told
 * so, too, while others wait.  *REASON is set on a refusal, in words that last
 * until the next call. */
enum upstream_error upstream_take(struct flow *flow, bool fresh, bool *again,
                                  const char **reason) MUST_CHECK;

/* Gives the flow's server back and tells the policy what became of it.  The
 * slot goes too, unless a kept connection goes on holding it (KEEP_SLOT). */
void upstream_give(struct flow *flow, const struct flow_result *result,
                   bool keep_slot);

/* Gives back the slot that a kept connection to SERVER held. */
void upstream_give_slot(struct server *server);

/* Connections to SERVER that are kept are BY more, or less. */
void upstream_count_idle(struct server *server, int by);

/* Whether SERVER has room for one more connection that is kept: always, but
 * where `maxconn` is all taken and other work could want the slot. */
bool upstream_may_keep(const struct server *server);

/* How many slots of all its servers are taken, by all workers.  As
 * upstream_refresh. */
uint64_t upstream_connections(struct upstream *upstream);

/* Notes that SERVER has answered what it was asked at SINCE_US by clock_us():
 * on HTTP with the head of a response, on TCP by accepting the connection. */
void upstream_answered(const struct server *server, uint64_t since_us);

/* How long the server with this index takes to answer, now; 0: it has not
 * answered anything yet (board/latency.h). */
double upstream_latency(const struct upstream *upstream, unsigned index);

/* Notes that SERVER has failed live traffic: it could not be reached, broke
 * off or answered nonsense. Control is woken where the upstream observes, and
 * its latency takes this for a slow answer. */
void upstream_observe(const struct server *server);

/* The same, if STATUS is one that counts as a failure. */
void upstream_observe_status(const struct server *server, int status);

/* This worker's counters of SERVER. */
struct server_counters *upstream_counters(const struct server *server);

/* Chooses by round robin over usable views, weights honoured: what happens
 * when no policy script is set or the script failed. */
int upstream_pick_builtin(struct upstream *upstream, struct flow *flow);

#endif
