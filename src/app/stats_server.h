/* SPDX-License-Identifier: MIT */
/*
 * The statistics, by HTTP/1.1, in control: for people the page, for programs
 * CSV, JSON and Prometheus's format. Clients are few, requests small, and each
 * is answered from the board at once. They come to addresses of their own, or
 * by a worker's hand, which has a request on a path of [http].
 *
 *     client ─▶ listener ─────────────────┐
 *     client ─▶ worker ─ "NAME BASE ADDR ─┴▶ stats_client ─▶ stats_answer
 *                          request", a socket
 *
 * Another configuration takes over as a whole (reload.h): its listeners are
 * staged beside those that serve.
 */
#ifndef APP_STATS_SERVER_H
#define APP_STATS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "app/fd_places.h"
#include "app/stats_client.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/acceptor.h"
#include "net/loop.h"

struct config;
struct stats_server;

struct stats_listener {
    struct acceptor acceptor;
    struct stats_server *server;
    const struct stats_conf *conf;
    const struct listen_conf *listen;
    int fd; /* -1: none */
};

/* Those of one configuration. */
struct stats_listeners {
    struct stats_listener *all;
    size_t count;
};

struct stats_server {
    struct stats_clients clients;
    struct stats_listeners listeners;
    const struct config *next; /* what is staged; NULL: nothing */
    struct stats_listeners staged;
    struct fd_places offered; /* of it, that have come */
    struct watch link;        /* where workers' clients come from */
    bool linked;
};

/* Serves every [stats] of CONFIG at FDS, one for each of their addresses in
 * order, which belong to the server then; those that there are none of (-1) are
 * left out. LINK (-1: none) is where workers hand requests in. 0, or -1 with
 * errno; stats_server_stop is called either way. */
int stats_server_start(struct stats_server *s, struct loop *loop,
                       const struct config *config, const int *fds, int link,
                       const struct stats_source *source) MUST_CHECK;

/* The master's answer to the client TICKET. */
void
stats_server_answer(struct stats_server *s, uint32_t ticket, struct str text);

/* Takes no more clients: another program does. */
void stats_server_leave(struct stats_server *s);

/* M, a parcel, has the sockets for the addresses of the next configuration, by
 * their places among all of them. */
void stats_server_offer(struct stats_server *s, const struct message *m);

/* Makes CONFIG, which stays at least until drop or commit, ready with what was
 * offered. 0, or -1 and WHY. */
int stats_server_stage(struct stats_server *s, const struct config *config,
                       struct buf *why) MUST_CHECK;
void stats_server_drop(struct stats_server *s);

/* What is staged serves; addresses that are gone are closed. */
void stats_server_commit(struct stats_server *s);

/* After the loop has run. */
void stats_server_stop(struct stats_server *s);

#endif
