/* SPDX-License-Identifier: MIT */
/*
 * A listening address and the sections behind it: one tcp or mysql section, or
 * any number of http sections, told apart by the host that is asked for.
 */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/model.h"
#include "net/acceptor.h"

struct engine;
struct http_section;
struct runtime;
struct section;
struct tls_server;

struct listener;

/* Takes over the accepted socket FD of PEER, and finds out who the client is.
 */
typedef void (*listener_greet_fn)(struct listener *listener, int fd,
                                  const struct addr *peer);

struct listener {
    struct acceptor acceptor;
    struct runtime *runtime;
    struct engine *engine;
    listener_greet_fn greet;        /* NULL: the peer is the client (serve.c) */
    bool answers_full;              /* beyond its section's max_connections a
                                       client is told so (serve.c); else it
                                       waits in the backlog */
    bool full;                      /* so it is with the client who comes now */
    uint32_t max_connections;       /* of the whole program */
    const struct listen_conf *conf; /* of the first section that names it */
    struct tls_server *tls; /* who it is by TLS; NULL: clients get none */
    struct addr addr;
    int fd; /* -1: not listening */
    struct section **sections;
    size_t section_count;
    struct section *fallback; /* default_server, or the first section */
    struct map names;         /* "a.example" and ".example" for "*.example" */
};

void listener_init(struct listener *listener, struct runtime *runtime,
                   const struct listen_conf *conf, const struct addr *addr);
void listener_fini(struct listener *listener);

/* Puts another section behind the listener; 0, or -1 with errno. */
int listener_add(struct listener *listener, struct section *section,
                 bool default_server) MUST_CHECK;

/* Accepts on FD, which is the listener's from then on, for ENGINE, which lets
 * the whole program have MAX_CONNECTIONS at most. */
int listener_start(struct listener *listener, struct engine *engine,
                   uint32_t max_connections, int fd) MUST_CHECK;

/* Accepts no more; the socket stays open. */
void listener_pause(struct listener *listener);

/* The same, and the socket is the caller's again. */
void listener_yield(struct listener *listener);

/* A connection that FROM accepted is TO's from now on. */
void listener_move(const struct listener *from, const struct listener *to);

/* The section for HOST (lower case): its exact name, the longest "*.suffix",
 * else the default one. */
struct http_section *
listener_find_http(const struct listener *listener, struct str host);

/* Gives back what was taken for a connection that this listener accepted. */
void listener_dismiss(struct listener *listener);

#endif
