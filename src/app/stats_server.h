/* SPDX-License-Identifier: MIT */
/*
 * The statistics, by HTTP/1.1, in control: for people the page, for programs
 * CSV, JSON and Prometheus's format. Clients are few, requests small, and each
 * is answered from the board at once.
 *
 *     client ─▶ head, body ─▶ who is it? ─▶ stats_answer ─▶ bytes, as the
 *                                                            client takes them
 */
#ifndef APP_STATS_SERVER_H
#define APP_STATS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "app/stats_answer.h"
#include "app/stats_auth.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/acceptor.h"

struct config;
struct loop;
struct stats_server;

struct stats_listener {
    struct acceptor acceptor;
    struct stats_server *server;
    const struct stats_conf *conf;
};

struct stats_server {
    struct loop *loop;
    struct stats_source source;
    struct stats_auth auth;
    struct stats_listener *listeners;
    size_t listener_count;
    struct list clients;
    unsigned client_count;
    uint32_t last_ticket;
};

enum {
    STATS_TICKET = 0x40000000, /* and above: of this server's clients */
};

/* Serves every [stats] of CONFIG at FDS, one for each of their addresses in
 * order; those that have none (-1) are left out. 0, or -1 with errno. */
int stats_server_start(struct stats_server *s, struct loop *loop,
                       const struct config *config, const int *fds,
                       const struct stats_source *source) MUST_CHECK;

/* The master's answer to the client TICKET. */
void
stats_server_answer(struct stats_server *s, uint32_t ticket, struct str text);

/* Takes no more clients. */
void stats_server_pause(struct stats_server *s);

/* After the loop has run. */
void stats_server_stop(struct stats_server *s);

#endif
