/* SPDX-License-Identifier: MIT */
/*
 * The hook boundary: tables of function pointers through which the proxy asks
 * for decisions.  A NULL pointer is a hook that is absent and costs one test.
 * The script floor fills the tables; the proxy knows nothing of Lua and runs
 * and is tested without it.
 *
 *      accept ──▶ request ──▶ (route) ──▶ pick ──▶ … ──▶ done
 *                                                └─▶ response ──▶ log
 *      accept ──▶ login ──▶ pick ──▶ … ──▶ done ──▶ close
 *
 * Whatever a hook does wrong is its own affair: it is logged and counted by
 * whoever filled the table, and the function answers HOOK_FAILED, upon which
 * the proxy does what it would have done without the hook (or refuses, where
 * the section says script_failure = deny).
 */
#ifndef PROXY_HOOK_H
#define PROXY_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

struct flow;
struct http_exchange;
struct server;
struct upstream;

enum hook_result {
    HOOK_PASS,   /* no decision: go on */
    HOOK_ROUTE,  /* to verdict.upstream, verdict.server if set */
    HOOK_REPLY,  /* http: answer verdict.status, headers and body */
    HOOK_DENY,   /* refuse, for verdict.reason */
    HOOK_FAILED, /* the hook raised or answered nonsense */
    HOOK_WAIT,   /* `request` and `login` only: it waits; see there */
    HOOK_LATE,   /* likewise: it has waited for too long: 504 */
};

enum {
    HOOK_PRIORITY_MAX = 2047, /* and as much below 0, as in HAProxy */
    HOOK_FIELDS_MAX = 16,     /* that `log` hooks add to one record */
    HOOK_FIELD_NAME_MAX = 32, /* bytes of the name of one */
    HOOK_FIELD_TEXT_MAX = 256 /* bytes of its text; more are cut */
};

struct hook_header {
    struct str name;
    struct str value;
};

/* What a hook decided.  On HTTP its memory is the exchange's arena; the
 * reason of a refused TCP connection is valid until the next hook runs. */
struct hook_verdict {
    struct upstream *upstream; /* HOOK_ROUTE */
    struct server *server;     /* HOOK_ROUTE: exactly this one, or NULL */
    int32_t priority;          /* in queues: smaller goes first; what a script
                                  of the chain said last, else 0 */
    struct str reason;         /* HOOK_DENY */
    int status;                /* HOOK_REPLY */
    const struct hook_header *headers;
    size_t header_count;
    struct str body;
};

/* What a `log` hook adds to a record; in the exchange's arena. */
struct hook_field {
    struct str name; /* letters, digits and _ */
    struct str value;
    bool quoted; /* a text; else a number, true, false or null */
};

/* What a server's service to a flow came to, handed to `done`; and what a
 * session came to, handed to `close`. */
struct flow_result {
    bool ok;
    const char *error; /* in words; NULL when ok */
    int status;        /* HTTP status; 0 on TCP */
    double connect_ms;
    double total_ms;
    uint64_t bytes_in;  /* from the client */
    uint64_t bytes_out; /* to the client */
    uint64_t queries;   /* of a MySQL session that is visible; else 0 */
    uint64_t transactions;
    uint64_t errors;
};

/* A client that has connected, for `accept`, `login` and `close`. */
struct hook_conn {
    const struct addr *client;
    const struct addr *listener;
    struct str section;
    int *hook_ref; /* the script floor's own: 0 at first, and the same place for
                      all hooks up to `close`; NULL: nothing can be kept */
};

/* Tables are exchanged as a whole while the program runs: what began with one
 * holds it and ends on it. */
struct hook_hold {
    unsigned count;              /* of those who hold the table */
    void (*unused)(void *table); /* the last has let go; NULL: it is nobody's */
};

static inline void
hook_release(struct hook_hold *hold, void *table)
{
    if (--hold->count == 0 && hold->unused != NULL)
        hold->unused(table);
}

/* A MySQL client that has said who it is, for `login`; its texts live as long
 * as the login. */
struct hook_login {
    const struct hook_conn *conn;
    struct str user;
    struct str schema;     /* p is NULL: none was named */
    struct str plugin;     /* that the client would use; p is NULL: none */
    struct str attributes; /* of the connection (codec/mysql_attribute.h) */
    unsigned charset;      /* number of the collation */
    bool tls;
    uint64_t wait_ms; /* how long the hook may wait, in all */
    /* HOOK_WAIT was answered, and the answer is known now, or never will be:
     * `login` is to be asked again. */
    void (*on_wake)(struct hook_login *login);
    void *asked; /* the script floor's own; NULL: nobody waits */
};

/* One http, tcp or mysql section's hooks, its scripts' chain folded in. */
struct section_hooks {
    struct hook_hold hold;
    void *arg;
    enum hook_result (*accept)(void *arg, const struct hook_conn *conn,
                               struct hook_verdict *verdict);
    /* After HOOK_WAIT it is the exchange's handler (http_exchange.h) until it
     * wakes the exchange; it is asked again then, or at any time before. The
     * body is read for it where it sets `wants_body`, and it is asked again. */
    enum hook_result (*request)(void *arg, struct http_exchange *exchange,
                                struct hook_verdict *verdict);
    /* The head of the final response is there and has not left: it may be
     * changed (http_change.h). */
    void (*response)(void *arg, struct http_exchange *exchange);
    /* The exchange is over: sets its log_fields. */
    void (*log)(void *arg, struct http_exchange *exchange);
    /* mysql: the client has logged in; HOOK_WAIT as with request: LOGIN stays,
     * and on_wake follows, not from within this call. HOOK_FAILED refuses. */
    enum hook_result (*login)(void *arg, struct hook_login *login,
                              struct hook_verdict *verdict);
    /* The client leaves, or is ended, while its login waits. */
    void (*login_abort)(void *arg, struct hook_login *login);
    /* tcp and mysql: the session of a client that was accepted, or refused by
     * `accept`, is over, and with it what was kept for it (hook_ref). */
    void (*close)(void *arg, const struct hook_conn *conn,
                  const struct flow_result *result);
    /* The exchange's memory is about to go: drop what refers to it. */
    void (*forget)(void *arg, struct http_exchange *exchange);
};

/* A section without scripts: all of it is absent. */
extern struct section_hooks section_no_hooks;

static inline struct section_hooks *
section_hooks_hold(struct section_hooks *hooks)
{
    hooks->hold.count++;
    return hooks;
}

static inline void
section_hooks_release(struct section_hooks *hooks)
{
    hook_release(&hooks->hold, hooks);
}

enum {
    HOOK_PICK_NONE = -1,   /* the policy refuses, *reason in words */
    HOOK_PICK_FAILED = -2, /* it raised; the built-in round robin chooses */
};

/* One upstream's policy.  pick answers an index into upstream->views, or one
 * of the two above.  Views are fresh when it is called, and at least one of
 * them is in service.  An index whose view is not usable counts as a failure:
 * the core says so through `misused`, and falls back; but where the policy sets
 * *WAIT, the flow waits for that very server, which is then full or was tried
 * before.  `state` says that a server has come up or gone down, and why. */
struct policy_hooks {
    struct hook_hold hold;
    void *arg;
    bool waits; /* pick may set *WAIT: it is asked even if no server is usable,
                   as long as one is in service */
    int (*pick)(void *arg, struct flow *flow, const char **reason, bool *wait);
    void (*misused)(void *arg, int index);
    void (*done)(void *arg, struct flow *flow, struct server *server,
                 const struct flow_result *result);
    void (*state)(void *arg, struct server *server, bool up, const char *why);
};

/* No script: pick is NULL, which is the built-in round robin. */
extern struct policy_hooks policy_no_hooks;

static inline struct policy_hooks *
policy_hooks_hold(struct policy_hooks *hooks)
{
    hooks->hold.count++;
    return hooks;
}

static inline void
policy_hooks_release(struct policy_hooks *hooks)
{
    hook_release(&hooks->hold, hooks);
}

#endif
