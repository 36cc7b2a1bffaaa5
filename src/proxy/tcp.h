/* SPDX-License-Identifier: MIT */
/*
 * Joins a client's socket and a server's (tcp_session.h has the drawing).
 */
#ifndef PROXY_TCP_H
#define PROXY_TCP_H

struct listener;
struct section_client;

/* Takes over a client of the listener's section. */
void tcp_accept(struct listener *listener, const struct section_client *client);

#endif
