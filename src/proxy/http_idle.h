/* SPDX-License-Identifier: MIT */
/*
 * HTTP connections that have been idle for a while, folded up: of each only
 * what the next request needs is kept, and its socket waits in a lot.  So the
 * thousands of browsers that read a page cost a hundred bytes each.
 *
 *      http_conn ── HTTP_IDLE_FOLD_MS without a request ─▶ folded
 *          ▲                                                 │ ▲ lot
 *          └───────── resume: something can be read ─────────┘ └ keepalive_
 *                                                      closed ◀─ timeout
 */
#ifndef PROXY_HTTP_IDLE_H
#define PROXY_HTTP_IDLE_H

#include <stdint.h>

#include "base/addr.h"
#include "base/mem.h"

struct engine;
struct listener;
struct slab;
struct runtime;

enum {
    HTTP_IDLE_FOLD_MS = 1000, /* idle for this long: it may be for longer */
    HTTP_IDLE_LIMITS_MAX = 8, /* different values of keepalive_timeout */
};

/* What is left of a connection. */
struct http_idle {
    struct listener *listener;
    struct runtime *runtime; /* a reference */
    int fd;
    struct addr client;
    struct addr *here; /* on the heap, or NULL (http_conn.h) */
    uint64_t requests; /* so far */
    uint64_t begun_us; /* idle since, by clock_us() */
};

/* Takes over what IDLE says. */
typedef void (*http_idle_fn)(const struct http_idle *idle);

/* Keeps CONN for LIMIT_MS from its begun_us.  Its socket, which is in no stream
 * any more, its reference and its place in the listener's limits are this
 * module's from then on, until RESUME, which is the same at each call, gets
 * them back.  -1 without memory or descriptors: they are the caller's still. */
int http_idle_fold(struct engine *engine, const struct http_idle *conn,
                   uint32_t limit_ms, http_idle_fn resume) MUST_CHECK;

/* The memory of the folded, for who counts it; NULL: none was ever needed. */
const struct slab *http_idle_slab(const struct engine *engine);

/* Frees what there is for it; no connection is left by then. */
void http_idle_free(struct engine *engine);

#endif
