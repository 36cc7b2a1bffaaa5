/* SPDX-License-Identifier: MIT */
/*
 * An HTTP exchange: one request, whoever parsed it, and the answer to it.
 * The connection (http_conn.c) owns it and lets go of it between requests;
 * handlers answer it; hooks read and change it through the functions here.
 *
 *      head parsed ─▶ request hooks ─▶ route ─▶ body ─▶ handler ─▶ record
 *                          │             ▲                 │
 *                          └── rewrite ──┴── index, error ─┘
 *                                            page, X-Accel
 */
#ifndef PROXY_HTTP_EXCHANGE_H
#define PROXY_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "codec/http.h"
#include "config/model.h"
#include "proxy/flow.h"
#include "proxy/http_writer.h"
#include "proxy/spool.h"

enum {
    EXCHANGE_REROUTES_MAX = 10, /* rewrites, index files and error pages */
    EXCHANGE_GROUPS_MAX = 10,   /* groups of a regex route, 0 included */
};

struct http_conn;
struct http_exchange;
struct http_route;
struct http_section;

/* Whoever answers.  An exchange has at most one at a time. */
struct exchange_handler {
    const char *name;
    /* The client has taken all that was written, or can take more. */
    void (*on_drained)(struct http_exchange *exchange);
    /* The exchange ends before the handler has ended the response. */
    void (*abort)(struct http_exchange *exchange, const char *reason);
};

/* When what happened, by clock_us(); 0: it did not. */
struct exchange_times {
    uint64_t begun_us;     /* the connection was accepted or became idle */
    uint64_t first_us;     /* first byte of the request */
    uint64_t head_us;      /* the head was complete */
    uint64_t body_us;      /* the body was complete */
    uint64_t picked_us;    /* a server was given */
    uint64_t connected_us; /* and connected */
    uint64_t response_us;  /* the server's head was complete */
    uint64_t wall_ms;      /* clock_wall_ms() at the first byte */
};

struct http_exchange {
    struct http_conn *conn;
    const struct http_section *section;
    struct arena arena; /* everything that lives as long as the exchange */

    struct http_request head; /* as it came */
    struct str path;          /* decoded, normalised, rewritten by hooks */
    struct str query;         /* without '?'; p is NULL when there is none */
    struct str host;          /* lower case, without the port */
    struct addr client;       /* who connected, or whom `trust` believes */
    struct str first_line;    /* for the record, also of what was refused */
    struct spool body;        /* the request's, whole before a server is asked;
                                 it keeps, so that it can be sent again */

    const struct http_route *route;         /* NULL: none matched */
    struct str groups[EXCHANGE_GROUPS_MAX]; /* of a regex route, in path */
    int group_count;
    unsigned reroutes;
    int error_status; /* an error page is being made for this one; 0: none */

    struct flow flow;
    struct limits_conf limits;
    unsigned retries; /* further attempts that were made */
    const struct exchange_handler *handler; /* NULL: none is at work */
    void *handler_data;                     /* the handler's own */

    struct http_writer writer;
    struct exchange_times times;
    char term[2];     /* HAProxy's termination flags; "--": all went well */
    bool refused;     /* the head was never understood */
    bool finished;    /* the handler has ended the response */
    int hook_ref;     /* the script floor's own; 0: nothing */
    void *hook_data;  /* likewise */
    struct list link; /* in the list of spare exchanges */
};

/* --- for hooks ------------------------------------------------------------ */

/* Value of the first request header of this name (any case); p is NULL when
 * there is none.  Names that `underscores = off` dropped are not found. */
struct str
exchange_header(const struct http_exchange *exchange, struct str name);

/* Sets a request header for the server and for later hooks, in place of all
 * of that name; a VALUE whose p is NULL removes it.  0, or -1 with errno
 * (EINVAL: not a header's name or value; ENOMEM, E2BIG: no room). */
int exchange_set_header(struct http_exchange *exchange, struct str name,
                        struct str value) MUST_CHECK;

/* Value of a cookie, and of an argument of the query (decoded, in the arena);
 * p is NULL when there is none. */
struct str exchange_cookie(struct http_exchange *exchange, struct str name);
struct str exchange_arg(struct http_exchange *exchange, struct str name);

/* "http" or "https". */
struct str exchange_scheme(const struct http_exchange *exchange);

/* Whether PATH (decoded, as the request's) is a regular file below the root
 * that it is served from; an empty one stands for the request's own path.
 * What was seen may be a second old. */
bool exchange_file_exists(struct http_exchange *exchange, struct str path);

/* Goes on with another path and, unless QUERY.p is NULL, another query.  The
 * path is normalised as a client's is, dot-files stay unreachable; 0, or -1
 * with errno (EINVAL: not absolute, or above the root; ENOMEM). */
int exchange_rewrite(struct http_exchange *exchange, struct str path,
                     struct str query) MUST_CHECK;

/* --- for handlers --------------------------------------------------------- */

/* The response is complete (writer_end was called); the connection writes the
 * rest, the record, and goes on.  The handler forgets the exchange. */
void exchange_finish(struct http_exchange *exchange);

/* Answers with STATUS: the section's error page where there is one, else a
 * small page of our own.  FLAGS are the two termination letters, or NULL to
 * leave them.  If a part of another response has left already, the connection
 * is closed instead.  The handler forgets the exchange. */
void
exchange_fail(struct http_exchange *exchange, int status, const char *flags);

/* Answers with STATUS and a short body; TYPE may be empty. */
void exchange_reply(struct http_exchange *exchange, int status, struct str type,
                    struct str body);

/* Redirects to LOCATION (encoded). */
void exchange_redirect(struct http_exchange *exchange, int status,
                       struct str location);

/* Routes the exchange again after PATH was changed (index file, error page,
 * X-Accel-Redirect); after EXCHANGE_REROUTES_MAX it fails with 500. */
void exchange_reroute(struct http_exchange *exchange);

/* The document root of the exchange's route, without a slash at its end, in
 * the arena (or the configuration); p is NULL when there is none. */
struct str exchange_root(struct http_exchange *exchange);

/* The file that PATH is served from: root and path, or alias and the rest of
 * the path behind the route's prefix.  NUL-terminated in the arena; p is NULL
 * without a root, or without memory. */
struct str exchange_file(struct http_exchange *exchange, struct str path);

/* Begins a response: status line and the section's own headers. */
void exchange_begin_response(struct http_exchange *exchange, int status);

#endif
