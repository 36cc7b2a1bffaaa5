/* SPDX-License-Identifier: MIT */
/*
 * Connections to HTTP servers that scripts have asked, kept for the next
 * request to the same server by any script of the process:
 *
 *     links_take, or link_new ─▶ a request, by its owner ─▶ links_keep ─┐
 *          ▲                            └─▶ link_free                   │
 *          └───────────────────────── idle ◀────────────────────────────┘
 *                             │
 *                 bytes, an end, LINKS_IDLE_MS: it is closed
 */
#ifndef SCRIPT_LINKS_H
#define SCRIPT_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "net/outbound.h"

struct coroutines;
struct link;
struct links;

enum {
    LINKS_MAX = 256,       /* idle ones of a process */
    LINKS_SERVER_MAX = 32, /* of those to one server */
    LINKS_IDLE_MS = 30000, /* that one is kept at most */
};

typedef void (*link_fn)(struct link *link);

/* What makes two servers the same: all of it. */
struct link_server {
    const char *host; /* as the script has it */
    uint16_t port;
    struct tls_client *client; /* NULL: http, not https */
};

struct link {
    struct list node; /* among the idle ones */
    struct links *links;
    struct outbound out;
    link_fn on_ready; /* the owner's; NULL while it is idle */
    void *owner;
    struct timer timer;   /* while it is idle */
    struct deferred gone; /* it is to be freed */
    struct tls_client *client;
    uint16_t port;
    char host[TLS_NAME_MAX + 1];
};

/* An idle connection to SERVER, of which ON_READY tells OWNER from then on.
 * NULL where there is none. */
struct link *
links_take(struct coroutines *all, const struct link_server *server,
           link_fn on_ready, void *owner) MUST_CHECK;

/* A new one, which link_start has to connect. NULL without memory, or where the
 * host is longer than TLS_NAME_MAX. */
struct link *link_new(struct coroutines *all, const struct link_server *server,
                      link_fn on_ready, void *owner) MUST_CHECK;

/* Begins to connect a new one; outbound_connect goes on. -1, and its words. */
int link_start(struct link *link, struct coroutines *all,
               struct loop *loop) MUST_CHECK;

/* Gives one back that nothing is under way on, for IDLE_MS, which are at most
 * LINKS_IDLE_MS; it is closed where something has come that nobody asked for.
 */
void links_keep(struct link *link, uint64_t idle_ms);

/* Closes one that is its owner's. NULL does nothing. */
void link_free(struct link *link);

/* Closes the idle ones and ends it; those with an owner must be gone. NULL does
 * nothing. */
void links_free(struct links *links);

#endif
