/* SPDX-License-Identifier: MIT */
/*
 * Checking one server's health: one connection at a time, the kind's exchange
 * on it, and a verdict within the timeout, whatever the server does.
 *
 *     checker_start ─▶ connect ─▶ PROXY header ─▶ kind: connected, ready …
 *           │             │                              │
 *           └─ timeout ───┴──────── checker_end ◀────────┘ ─▶ on_end
 *
 * What a kind does is a table of functions in a module of its own. When a check
 * is due and what follows from its verdict is health.h's affair.
 */
#ifndef PROXY_CHECK_H
#define PROXY_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/check_status.h"
#include "board/greeting.h"
#include "board/rows.h"
#include "config/model.h"
#include "net/loop.h"
#include "net/stream.h"

struct checker;
struct tls_client;

struct check_verdict {
    enum check_status status;
    char words[BOARD_WORDS_MAX + 1]; /* "Layer4 connection problem: ..." */
    uint32_t took_us;
    double share; /* of its weight that it should get, 0 to 1; 1 but for
                     lag=weight */
    bool at_once; /* a failure that need not be repeated to be believed */
};

typedef void (*check_fn)(struct checker *c);

/* A kind of check. All but `size` may be NULL. None of these is called once
 * the check has ended, but `stop` and `fini`. */
struct check_kind_ops {
    size_t size; /* of its state, which is zeroed once for each server and kept
                    from check to check */
    /* Begins a check by itself, without a connection of ours (lua), or goes on
     * on the kept one, if stream_is_open. NULL: a connection is made. */
    check_fn start;
    /* The connection is made, and a PROXY header sent where there is one. NULL:
     * that is all that was to be seen. `ready` follows at once if there is
     * something to read already. */
    check_fn connected;
    /* The stream has become readable or writable; edge-triggered. Not called
     * while the connection is being made. */
    check_fn ready;
    /* The check is over, by a verdict, the timeout or the end of the program:
     * let go of what was for this one check. */
    check_fn stop;
    /* The checker goes: let go of everything. */
    check_fn fini;
};

struct checker {
    struct loop *loop;
    const struct upstream_conf *upstream;
    const struct server_conf *server;
    const struct check_kind_ops *ops;
    void *state;            /* ops->size bytes */
    void *owner;            /* on_end's */
    check_fn on_end;        /* the verdict is there */
    struct tls_client *tls; /* whom it trusts; NULL: it has no TLS */
    struct addr addr;       /* to connect to; the owner keeps it up to date */
    struct stream stream;
    struct timer deadline;
    uint64_t started_us;
    struct deferred finish; /* the end of a check, at the end of the turn */
    bool running;           /* between checker_start and on_end */
    bool ended;    /* the verdict is there; on_end is about to be called */
    bool awaiting; /* the connection is not made yet */
    bool keep;     /* set by the kind in each check: the stream outlives it. A
                      kept one on which something comes is closed */
    const struct greeting_facts *facts; /* set by the kind: what a MySQL server
                                           says of itself, in its state; or
                                           NULL */
    struct check_verdict verdict; /* the kind sets share and at_once before
                                     checker_end */
};

/* A checker of SERVER, which does nothing yet. -1 with errno (ENOTSUP: the kind
 * is not known to this program). */
int checker_init(struct checker *c, struct loop *loop,
                 const struct upstream_conf *upstream,
                 const struct server_conf *server, check_fn on_end,
                 void *owner) MUST_CHECK;
void checker_fini(struct checker *c);

/* Begins a check; on_end is called once, never before this has returned.
 * Refused (nothing happens) while one is running. */
void checker_start(struct checker *c);

/* For the kinds: ends the check with STATUS. What FMT makes, if it is not
 * empty, follows the status's own words, behind ": ". */
void checker_end(struct checker *c, enum check_status status, const char *fmt,
                 ...) __attribute__((format(printf, 3, 4)));

/* For the kinds: writes all N bytes (a few thousand at most, which a new socket
 * takes at once). false: it did not go, and the check has ended. */
bool checker_send(struct checker *c, const void *p, size_t n) MUST_CHECK;

/* For the kinds: reads at most N bytes. 0: nothing now. -1: the connection has
 * ended or broken, and the check with it. */
ssize_t checker_read(struct checker *c, void *p, size_t n) MUST_CHECK;

/* For kinds that read in their own way: whether GOT, the result of stream_read,
 * is the end of the connection, and so of the check. */
bool checker_is_cut(struct checker *c, ssize_t got) MUST_CHECK;

/* For the kinds: makes a new connection, after which `connected` is called; the
 * old one is closed. A failure ends the check. */
void checker_connect(struct checker *c);

/* The kinds; lua's is set by the script floor before checkers are made. */
extern const struct check_kind_ops check_tcp;
extern const struct check_kind_ops check_http;
extern const struct check_kind_ops check_fastcgi;
extern const struct check_kind_ops check_mysql;
extern const struct check_kind_ops check_galera;

void check_set_lua(const struct check_kind_ops *ops);

#endif
