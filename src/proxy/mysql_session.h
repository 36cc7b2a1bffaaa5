/* SPDX-License-Identifier: MIT */
/*
 * [mysql] sections: the client is greeted here, says who it is, and a server is
 * chosen for it, whose own challenge it answers. No password is known here.
 *
 *      client                  moongate                  server
 *        │ ◀──────────── greeting │                         │
 *        │ login ───────────────▶ │ hook, dial ───────────▶ │
 *        │                        │ ◀────────────── greeting │
 *        │                        │ login, nobody's plugin ▶ │
 *        │ ◀───────────────────── │ ◀──────────────── switch │
 *        │ answer ──────────────▶ │ ──────────────────────▶ │
 *        │ ◀───────────────────── │ ◀────────────── OK, ERR │
 *        │ ◀═══════════ joined, as tcp_session.h ══════════▶ │
 *
 * Packets have the same numbers on both sides, so they pass as they came.
 * With handshake = passthrough it is a TCP session whose refusals are MySQL's
 * and whose login is read as it passes (mysql_passing.h).  With visible = on
 * what follows is, too (mysql_visible.h).
 */
#ifndef PROXY_MYSQL_SESSION_H
#define PROXY_MYSQL_SESSION_H

struct listener;
struct section_client;

/* Takes over a client of the listener's section. */
void
mysql_accept(struct listener *listener, const struct section_client *client);

#endif
