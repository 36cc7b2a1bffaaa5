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
 *
 * A hook may wait, and have the body read for it.
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
    EXCHANGE_CARRIED_MAX = 16,  /* fields kept over an X-Accel-Redirect */
    EXCHANGE_CHANGES_MAX = 1024 * 1024, /* bytes that hooks may set, of headers
                                           and paths */
};

struct engine;
struct exchange_end;
struct hook_field;
struct http_exchange;
struct http_route;
struct http_section;
struct section_hooks;

/* What is due; the connection does it (callbacks only mark). */
enum exchange_state {
    EXCHANGE_NEW,      /* the head is read; hooks have not run */
    EXCHANGE_HOOK,     /* a `request` hook waits: ask it again */
    EXCHANGE_ROUTE,    /* find the route of `path`, anew */
    EXCHANGE_BODY,     /* the route wants the body first */
    EXCHANGE_START,    /* the body is whole: start the route's handler */
    EXCHANGE_ANSWER,   /* a handler is at work */
    EXCHANGE_FINISHED, /* the response is complete, if not yet written */
};

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
    struct engine *engine;
    void (*on_wake)(struct http_exchange *exchange);  /* its connection's */
    void (*on_flush)(struct http_exchange *exchange); /* likewise */
    void *conn;
    struct list link; /* among the spare ones */
    struct http_section *section;
    enum exchange_state state;

    enum http_method method; /* as the request is answered: head.method, or
                                GET in its place (become_get) */
    struct str method_name;
    struct str path;       /* decoded, normalised, rewritten by hooks */
    struct str query;      /* without '?'; p is NULL when there is none */
    struct str host;       /* lower case, without the port */
    struct str root;       /* the route's document root; p is NULL until it
                              was asked for (http_file.h) */
    struct addr client;    /* who connected, or whom `trust` believes */
    bool https;            /* a trusted proxy says that the client used it */
    struct str first_line; /* for the record of what was not understood */
    bool refused;          /* the head was not understood */
    struct section_hooks *hooks; /* held: the section's, when the head was
                                    good; NULL: it was not, they hear nothing */
    struct spool body; /* the request's, whole before a server is asked;
                          it keeps, so that it can be sent again */
    bool body_whole;   /* it has come to its end */
    bool bodiless;     /* it does not go to a server (become_get) */

    const struct http_route *route; /* NULL: none matched */
    int group_count;                /* of `groups` */
    unsigned reroutes;
    int error_status; /* an error page is being made for this one; 0: none */

    struct flow flow;
    bool routed_by_hook; /* flow.upstream is a hook's decision */
    bool for_stats;      /* control has been asked for the answer */
    struct limits_conf limits;
    uint64_t max_body_bytes;
    unsigned retries; /* further attempts that were made */
    const struct exchange_handler *handler; /* NULL: none is at work */
    void *handler_data;                     /* the handler's own */

    struct exchange_times times;
    unsigned carried_count;    /* of `carried` */
    struct str carried_type;   /* its Content-Type, for a file */
    char term[2];              /* HAProxy's termination flags; "--": well */
    bool broken;               /* the answer cannot be completed: close */
    struct exchange_end *ends; /* exchange_on_end */
    int hook_ref;              /* the script floor's own; 0: nothing */
    void *hook_data;           /* likewise */
    const void *hook_task;     /* likewise: who runs its `request` hook */
    bool wants_body;           /* the hook that waits does so for the body */
    unsigned log_field_count;  /* of log_fields */
    const struct hook_field *log_fields; /* what `log` hooks add, at the end */
    size_t changed_bytes;                /* that hooks have set */
    char *arg_text;                      /* of the last argument, decoded */
    size_t arg_size;                     /* bytes of it */

    /* Not cleared between requests. */
    struct arena arena; /* everything that lives as long as the exchange */
    struct str groups[EXCHANGE_GROUPS_MAX]; /* of a regex route, in path */
    struct http_field carried[EXCHANGE_CARRIED_MAX]; /* of the answer that an
                                                 X-Accel-Redirect came with */
    struct http_writer writer;
    struct http_request head; /* as it came */
};

/* --- for hooks ------------------------------------------------------------ */

/* Value of the first request header of this name (any case); p is NULL when
 * there is none.  Names that `underscores = off` dropped are not found. */
struct str
exchange_header(const struct http_exchange *exchange, struct str name);

/* Sets a request header for the server and for later hooks, in place of all
 * of that name; a VALUE whose p is NULL removes it.  0, or -1 with errno
 * (EINVAL: not a header's name or value; ENOMEM, E2BIG: no room, as when all
 * changes of this exchange have come to EXCHANGE_CHANGES_MAX). */
int exchange_set_header(struct http_exchange *exchange, struct str name,
                        struct str value) MUST_CHECK;

/* Value of a cookie, and of an argument of the query (decoded, and good until
 * the next one is); p is NULL when there is none. */
struct str exchange_cookie(struct http_exchange *exchange, struct str name);
struct str exchange_arg(struct http_exchange *exchange, struct str name);

/* "http" or "https": what the client used, by the word of a proxy in `trust`.
 */
struct str exchange_scheme(const struct http_exchange *exchange);

/* Goes on with another path and, unless QUERY.p is NULL, another query.  The
 * path is normalised as a client's is, dot-files stay unreachable; 0, or -1
 * with errno (EINVAL: not absolute, or above the root; ENOMEM, E2BIG). */
int exchange_rewrite(struct http_exchange *exchange, struct str path,
                     struct str query) MUST_CHECK;

/* --- for handlers --------------------------------------------------------- */

/* The response is complete (writer_end was called); the connection writes the
 * rest, the record, and goes on.  The handler forgets the exchange. */
void exchange_finish(struct http_exchange *exchange);

/* Routes the exchange again after `path` was changed (index file, error page,
 * X-Accel-Redirect); false, and an answer of 500 is due, after
 * EXCHANGE_REROUTES_MAX.  The handler forgets the exchange. */
bool exchange_reroute(struct http_exchange *exchange) MUST_CHECK;

/* What is answered with another page is a GET of that page without a body
 * (HEAD stays HEAD). */
void exchange_become_get(struct http_exchange *exchange);

/* Whether there is a body that goes to a server. */
bool exchange_wants_body(const struct http_exchange *exchange);

/* Whether that body is over max_body: by what the client says of it, or by what
 * has come. */
bool exchange_is_too_large(const struct http_exchange *exchange);

/* More of the response can be written, or it has failed: the connection is
 * told, now or as soon as its own work is done. */
void exchange_wake(struct http_exchange *exchange);

/* Writes what was added to the response, as far as the client takes it; spans
 * are free again.  A failure is the connection's to see, at the next wake. */
void exchange_flush(struct http_exchange *exchange);

/* A and B in one, with a NUL behind it, in the arena; p is NULL without
 * memory. */
struct str
exchange_join(struct http_exchange *exchange, struct str a, struct str b);

/* Calls FN with ARG when the exchange ends, last asked first.  -1 without
 * memory. */
int exchange_on_end(struct http_exchange *exchange, void (*fn)(void *arg),
                    void *arg) MUST_CHECK;

/* --- for its connection --------------------------------------------------- */

/* An exchange from the spare ones or the heap, with its arena, spools and
 * writer ready; NULL without memory. */
struct http_exchange *
exchange_new(struct engine *engine, struct stream *stream);

/* Runs what exchange_on_end asked for and puts it back. */
void exchange_free(struct http_exchange *exchange);

/* Frees the spare ones: when the process ends. */
void exchange_drop_spares(struct engine *engine);

/* Sets `host` from the head that was just read.  -1 without memory. */
int exchange_read_host(struct http_exchange *exchange) MUST_CHECK;

/* Prepares the rest, once the section is known: path, query, client, and what
 * of the fields is dropped.  0, or the status to refuse the request with. */
int exchange_read_head(struct http_exchange *exchange) MUST_CHECK;

/* Whether a segment of PATH begins with a dot; /.well-known/ does not count. */
bool exchange_is_hidden(struct str path);

#endif
