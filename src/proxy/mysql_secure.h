/* SPDX-License-Identifier: MIT */
/*
 * TLS on the two legs of a MySQL login, each of which has it or not:
 *
 *      client                  moongate                  server
 *        │ ◀──────────── greeting │                         │
 *        │ asks for TLS ────────▶ │                         │
 *        │ ◀──── handshake ─────▶ │                         │
 *        │ login ───────────────▶ │ hook, dial ───────────▶ │
 *        │                        │ ◀────────────── greeting │
 *        │                        │ asks for TLS ─────────▶ │
 *        │                        │ ◀───── handshake ─────▶ │
 *        │                        │ login ────────────────▶ │
 *
 * A leg with TLS numbers the packets of the login one higher. A password is
 * said as it is only where TLS hides it: what a server asks for in its leg's
 * way, a client on the other one would answer in its own, so it is refused.
 */
#ifndef PROXY_MYSQL_SECURE_H
#define PROXY_MYSQL_SECURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/mysql.h"
#include "proxy/mysql_entry.h"

/* The client has asked for TLS, which its listener has: begins it. */
void mysql_secure_accept(struct tcp_session *s);

/* How far a handshake has come. */
enum mysql_secure_result {
    MYSQL_SECURE_WAITS,
    MYSQL_SECURE_DONE,
    MYSQL_SECURE_FAILED, /* e->why says why */
};

/* Goes on with the handshake of the client, or of the server: with it begins
 * TLS when the request for it has left. */
enum mysql_secure_result mysql_secure_client(struct tcp_session *s);
enum mysql_secure_result mysql_secure_server(struct tcp_session *s);

/* By how much numbers of the client's packets are higher than the server's. */
int mysql_secure_shift(const struct tcp_session *s);

/* Is the client's PACKET the password as it is, which would leave where it can
 * be read? Then the session is over. */
bool
mysql_secure_bares(struct tcp_session *s, const struct mysql_packet *packet);

/* Does the server ask in PACKET for what this client would send in a way that
 * cannot go on? Then the session is over. */
bool
mysql_secure_refuses(struct tcp_session *s, const struct mysql_packet *packet);

/* Behind the login: may the client be asked, in a change of user, for what it
 * would send by its TLS, and the server has none? Begins to look for that. */
bool mysql_secure_guards(struct tcp_session *s);

/* Do the next N bytes at P that the server says ask for it? */
bool mysql_secure_betrays(struct tcp_session *s, uint8_t *p, size_t n);

#endif
