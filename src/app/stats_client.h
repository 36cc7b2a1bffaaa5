/* SPDX-License-Identifier: MIT */
/*
 * A client of the statistics, by HTTP/1.1: its requests, one after the other,
 * and their answers. One that has come by a path of [http] speaks to a worker,
 * who has its whole request and takes the answer as from a CGI program.
 *
 *     READS ─┬──────────────────────────┬─┬───────────────▶ SENDS ─┬─▶ READS …
 *            └─▶ LOGS_IN: its password ─┘ └─▶ WAITS: the ──▶       └─▶ LINGERS
 *                is looked at                 master works             ─▶
 * closed
 */
#ifndef APP_STATS_CLIENT_H
#define APP_STATS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/stats_answer.h"
#include "app/stats_auth.h"
#include "app/stats_notice.h"
#include "base/addr.h"
#include "base/list.h"
#include "base/str.h"

struct config;
struct loop;

enum {
    STATS_TICKET = 0x40000000, /* and above: of these clients */
    STATS_CLIENTS_MAX = 64,    /* more wait, or are refused */
};

/* What all clients have in common. */
struct stats_clients {
    struct loop *loop;
    struct stats_source source;
    struct stats_auth auth;
    struct stats_notices notices;
    const struct config *config; /* a reference; clients may have older ones */
    bool leaving;                /* no client has another request */
    struct list all;
    unsigned count;
    uint32_t last_ticket;
};

/* Who has connected, and to what. */
struct stats_arrival {
    int fd; /* the client's, or to a worker */
    const struct config *config;
    const struct stats_conf *conf;    /* of it */
    const struct listen_conf *listen; /* NULL: it comes through a worker */
    const struct addr *addr;          /* of the client */
    struct str base;                  /* where the page is */
    struct str request;               /* what has been read of it */
};

/* None; of CONFIG. 0, or -1 with errno. */
int stats_clients_init(struct stats_clients *s, struct loop *loop,
                       const struct config *config,
                       const struct stats_source *source) MUST_CHECK;

/* Ends all: after the loop has run. */
void stats_clients_fini(struct stats_clients *s);

/* Whether there is a place for another one. */
bool stats_clients_have_room(const struct stats_clients *s);

/* Serves the client; what cannot be served is closed, and told the log. */
void
stats_clients_add(struct stats_clients *s, const struct stats_arrival *arrival);

/* CONFIG holds from now on. Who is in the middle of a request has its answer;
 * those whose section listens there no more are closed. */
void stats_clients_follow(struct stats_clients *s, const struct config *config);

/* Others serve from now on: those without a request are closed. */
void stats_clients_leave(struct stats_clients *s);

/* The master's answer to the client TICKET. */
void
stats_clients_answer(struct stats_clients *s, uint32_t ticket, struct str text);

#endif
