/* SPDX-License-Identifier: MIT */
/*
 * Joins a client's socket and a server's (tcp_session.h has the drawing).
 */
#ifndef PROXY_TCP_H
#define PROXY_TCP_H

#include <stdbool.h>

#include "proxy/hook.h"

struct listener;
struct section_client;
struct tcp_prelude;
struct tcp_session;

/* Takes over a client of the listener's section. */
void tcp_accept(struct listener *listener, const struct section_client *client);

/* The same, with a prelude (tcp_session.h). */
void tcp_open(struct listener *listener, const struct section_client *client,
              const struct tcp_prelude *prelude);

/* What the section's hooks are told of the client; it points into S. */
struct hook_conn tcp_hook_conn(struct tcp_session *s);

/* For a prelude: finds a server and connects; `connected` or `failed` is
 * called, perhaps before this returns. */
void tcp_dial(struct tcp_session *s);

/* For a prelude: s->server is of no use, for WHY, which lasts as long as the
 * session: another one is tried, or the session fails.  OBSERVE: it counts as
 * a failure of the server. */
void tcp_retry(struct tcp_session *s, bool observe, const char *why);

/* Ends the prelude: from here on bytes pass between s->client and s->server,
 * those with which s->up and s->down are primed first. */
void tcp_join(struct tcp_session *s);

/* The one way out; its memory goes at the end of the turn.  The reason is for
 * the log, the flags (HAProxy's) for the record.  Done once: what comes later
 * changes nothing. */
void tcp_close(struct tcp_session *s, const char *flags, const char *reason);

#endif
