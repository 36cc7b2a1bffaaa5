/* SPDX-License-Identifier: MIT */
/*
 * A TCP session: two sockets joined, nothing known of what flows.  [mysql] has
 * a prelude, in which the client logs in before the two are joined.
 *
 *      client ─▶ up   ─▶ server
 *      client ◀─ down ◀─ server
 *
 * The end of one side is passed on when its bytes are out (half-close); the
 * session is over when both have ended.
 */
#ifndef PROXY_TCP_SESSION_H
#define PROXY_TCP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/loop.h"
#include "net/stream.h"
#include "proxy/dial.h"
#include "proxy/engine.h"
#include "proxy/flow.h"
#include "proxy/tcp_pipe.h"

struct listener;
struct mysql_visible;
struct runtime;
struct section;
struct section_hooks;

struct tcp_session;

/* What goes before the two sockets are joined.  With `begin` the session is the
 * prelude's until it calls tcp_join (tcp.h); all functions but `meet`,
 * `forget`, `full`, `refused` and `failed` belong to that. */
struct tcp_prelude {
    /* The client was let in.  -1 with errno: the session ends. */
    int (*begin)(struct tcp_session *s);
    /* Where there is no `begin`: the two are about to be joined.  -1 with
     * errno: the session ends. */
    int (*meet)(struct tcp_session *s);
    /* A socket has become ready. */
    void (*run)(struct tcp_session *s);
    /* tcp_dial has connected s->server. */
    void (*connected)(struct tcp_session *s);
    /* The timer, which is the prelude's, has fired. */
    void (*late)(struct tcp_session *s);
    /* The session is about to be ended from outside: tell the client. */
    void (*killed)(struct tcp_session *s, const char *why);
    /* It is over, now or after the two were joined: call nobody any more. */
    void (*leave)(struct tcp_session *s);
    /* It goes: give memory back. */
    void (*forget)(struct tcp_session *s);
    /* The section is full, its `accept` has refused the client, or no server
     * was found: tell the client, before the session is closed. */
    void (*full)(struct tcp_session *s);
    void (*refused)(struct tcp_session *s, struct str why);
    void (*failed)(struct tcp_session *s, enum dial_result result);
};

struct tcp_session {
    struct engine_session session; /* its place in the engine */
    struct runtime *runtime;       /* a reference */
    struct section *section;
    struct section_hooks *hooks; /* held: the section's when it began */
    struct listener *listener;
    struct stream client;
    struct server_conn *server; /* NULL until connected */
    struct dial dial;
    struct flow flow;
    struct addr client_addr;
    struct addr *here;    /* by its PROXY header; NULL: see the socket */
    struct tcp_pipe up;   /* client to server */
    struct tcp_pipe down; /* server to client */
    struct timer timer;
    struct deferred cleanup;
    struct deferred resume; /* a busy session lets others have their turn */
    struct limits_conf limits;

    const struct tcp_prelude *prelude;   /* NULL: none */
    void *guest;                         /* the prelude's own */
    bool logging_in;                     /* it is the prelude's turn */
    const struct mysql_visible *visible; /* what of its commands is known; NULL:
                                            nothing */

    uint64_t accepted_us;
    uint64_t accepted_wall_ms;
    uint64_t picked_us;    /* 0: no server was given */
    uint64_t connected_us; /* 0: never */
    uint64_t active_ms;    /* of the last byte in either direction */
    unsigned retries;
    int server_error;   /* the errno with which the server stopped taking bytes
                           while its own were still to come; 0: it did not */
    int hook_ref;       /* what its hooks keep for it (hook.h); 0: nothing */
    char term[2];       /* HAProxy's termination flags */
    const char *reason; /* why it ended, in words; NULL while it lives */
};

#endif
