/* SPDX-License-Identifier: MIT */
/*
 * A client's HTTP/1.x connection: reads heads and bodies, hands each request
 * to its exchange, writes the answers in order, and stays open in between.
 *
 *      accept ─▶ IDLE ─▶ HEAD ─▶ BODY ─▶ ANSWER ─▶ IDLE …
 *                 │       │        │        │
 *                 └───────┴────────┴────────┴─▶ LINGER ─▶ closed
 *
 * While it is idle it has no buffer and no exchange, and after a second of that
 * it is folded up (http_idle.h).
 */
#ifndef PROXY_HTTP_CONN_H
#define PROXY_HTTP_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/loop.h"
#include "net/stream.h"
#include "proxy/engine.h"
#include "proxy/http_body.h"

struct buffer;
struct http_exchange;
struct listener;
struct runtime;
struct section_client;

enum http_conn_state {
    HTTP_CONN_IDLE,   /* nothing of a request has come yet */
    HTTP_CONN_HEAD,   /* a head is being read */
    HTTP_CONN_BODY,   /* the body of a request that waits for it */
    HTTP_CONN_ANSWER, /* a handler is at work, or its answer is written */
    HTTP_CONN_SKIP,   /* a body that nobody wanted is read and dropped */
    HTTP_CONN_LINGER, /* the answer is out; what the client still sends is
                         dropped, so that a reset does not eat the answer */
    HTTP_CONN_CLOSED, /* waits for the end of the turn */
};

struct http_conn {
    struct engine_session session;
    struct engine *engine;
    struct runtime *runtime; /* a reference */
    struct listener *listener;
    struct stream stream;
    struct addr client;
    struct addr *here; /* what it connected to, by its PROXY header; or NULL */
    enum http_conn_state state;
    bool running;    /* in the step loop: a wake is its next round */
    bool woken;      /* there is something for another round */
    bool read_ended; /* the client sends no more */
    bool blocked;    /* the client did not take all of the answer */
    bool unfolded;   /* there was no room to fold it */

    struct buffer *in;      /* bytes read and not yet taken */
    struct buffer *head_in; /* the buffer of the head, once `in` is another */
    size_t seen;            /* of `in`, looked at for the end of a head */
    struct http_body body;  /* how far the present one was read */

    struct http_exchange *exchange; /* NULL while idle */
    uint64_t requests;              /* so far */
    uint64_t bytes_in;              /* of the present request */
    struct timer timer;
    uint64_t since_ms; /* of the present state, or its last byte */
    uint64_t begun_us; /* accepted, or idle since */
    struct deferred cleanup;
    struct deferred resume; /* a busy connection lets others have their turn */
};

/* Takes over a client of one of the listener's sections. */
void
http_accept(struct listener *listener, const struct section_client *client);

#endif
