/* SPDX-License-Identifier: MIT */
/*
 * An HTTP exchange: one request, whoever parsed it, and the answer to it.
 * The connection (http_conn.c) owns it and resets it between requests; hooks
 * read and change it through the functions here.
 *
 *      head parsed ─▶ exchange_begin ─▶ request hooks ─▶ route ─▶ handler
 *                          │                 │              ▲        │
 *                          │                 └── rewrite ───┘        ▼
 *                          └─ path, query, args           head, body, end
 */
#ifndef PROXY_HTTP_EXCHANGE_H
#define PROXY_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/str.h"
#include "codec/http1.h"
#include "proxy/flow.h"

enum {
    EXCHANGE_REROUTES_MAX = 10, /* rewrites, index files and error pages */
};

struct http_section;

/* What the client asked for.  `head` is as it came; path and query are what
 * routing goes by, and what hooks rewrite. */
struct exchange_request {
    struct http_request head;
    struct str path;   /* decoded and normalised; starts with '/' */
    struct str query;  /* without '?'; empty when there is none */
    struct str host;   /* lower case, without the port */
    struct addr client; /* who connected, or whom `trust` believes */
};

struct http_exchange {
    const struct http_section *section;
    struct arena *arena; /* lives as long as the exchange */
    struct exchange_request request;
    struct flow flow;
    unsigned reroutes; /* rewrites, index files and error pages so far */
    int hook_ref;      /* the script floor's own; 0: nothing */
};

/* Value of the first request header of this name (any case), or a str whose
 * p is NULL.  Names that `underscores = off` dropped are not found. */
struct str exchange_header(const struct http_exchange *exchange,
                           struct str name);

/* Sets a request header for the server and for later hooks, in place of all
 * of that name; an empty value with a NULL pointer removes it.  0, or -1 with
 * errno (EINVAL: not a header name or value; ENOMEM, E2BIG: no room). */
int exchange_set_header(struct http_exchange *exchange, struct str name,
                        struct str value);

/* Value of a cookie or of an argument of the query (decoded, in the arena);
 * p is NULL when there is none. */
struct str exchange_cookie(struct http_exchange *exchange, struct str name);
struct str exchange_arg(struct http_exchange *exchange, struct str name);

/* "http" or "https". */
struct str exchange_scheme(const struct http_exchange *exchange);

/* Whether PATH (decoded, as the request's) is a regular file below the root
 * that the request's host and path are served from; empty: the request's own
 * path.  Answers for a second may come from the open-file cache. */
bool exchange_file_exists(struct http_exchange *exchange, struct str path);

/* Routes again with another path and, unless QUERY.p is NULL, another query.
 * The path is normalised as a client's is; 0, or -1 with errno (EINVAL: no
 * absolute path or above the root; ENOMEM). */
int exchange_rewrite(struct http_exchange *exchange, struct str path,
                     struct str query);

#endif
