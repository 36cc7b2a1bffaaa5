/* SPDX-License-Identifier: MIT */
/*
 * The login of a session with handshake = passthrough is read as it passes, for
 * records and statistics: who it is that logs in, and where.
 *
 *      client                  server
 *        ◀─────── greeting ─────      visible: what it can do
 *         ─────── login ───────▶      user, schema, attributes
 *        ◀─────── ... ──────────      visible: followed from here on
 *
 * Nothing is held up or changed.  A copy of the two packets is kept until each
 * is whole, up to a limit.  A client that asks for TLS, and bytes that are no
 * login, end it: they pass, and nothing is known.
 */
#ifndef PROXY_MYSQL_PASSING_H
#define PROXY_MYSQL_PASSING_H

#include "base/mem.h"

struct mysql_passing;
struct tcp_session;

/* Begins for S, whose guest is a mysql_session (mysql_entry.h), before it is
 * joined.  -1 with errno. */
int mysql_passing_begin(struct tcp_session *s) MUST_CHECK;

/* NULL does nothing. */
void mysql_passing_free(struct mysql_passing *passing);

#endif
