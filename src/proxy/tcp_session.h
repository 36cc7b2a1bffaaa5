/* SPDX-License-Identifier: MIT */
/*
 * A TCP session: two sockets joined, nothing known of what flows.  [tcp] and,
 * in this version, [mysql].
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
struct runtime;
struct section;
struct section_hooks;

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
