/* SPDX-License-Identifier: MIT */
/*
 * The names in `server` lines, looked up again and again by control: what they
 * mean now goes to the board, and workers connect there from then on.
 *
 *     timer ─▶ lookup ─▶ other addresses ─▶ board, wake workers, a log line
 *       ▲                 the same        ─▶ nothing
 *       │                 none            ─▶ the last ones are kept
 *       └── `resolve` later ◀─────────────────┘
 *
 * A name that several servers have is asked for once. A server whose name has
 * never had an address is down; where it is checked, its check says so, since
 * there is nothing to connect to.
 */
#ifndef PROXY_SERVER_NAMES_H
#define PROXY_SERVER_NAMES_H

#include "base/list.h"
#include "base/mem.h"
#include "config/model.h"
#include "net/loop.h"
#include "net/resolver.h"

struct board;

/* The reason why a server without an address is down, on the board. */
#define SERVER_NAMES_UNKNOWN "the name does not resolve"

enum {
    SERVER_NAMES_RETRY_MS = 10000, /* a name that failed is asked for again
                                      after this, if `resolve` is longer */
};

struct server_names {
    struct loop *loop;
    struct board *board;
    struct resolver resolver;
    struct list names;
};

/* Is this a name, which may mean another address later? */
bool server_names_is_name(const struct address_conf *conf);

/* Begins to look up the names of CONF, which must outlive it, spread over their
 * intervals. 0, or -1 with errno. End with server_names_stop either way. */
int
server_names_start(struct server_names *all, struct loop *loop,
                   struct board *board, const struct config *conf) MUST_CHECK;

/* Looks up the names of CONF instead, which must outlive it. -1 with errno: not
 * all of them. */
int server_names_take(struct server_names *all,
                      const struct config *conf) MUST_CHECK;

/* Ends it. The loop is turned for that (resolver.h): the last to be stopped. */
void server_names_stop(struct server_names *all);

#endif
