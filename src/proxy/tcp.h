/* SPDX-License-Identifier: MIT */
/*
 * Joins a client's socket and a server's (tcp_session.h has the drawing).
 */
#ifndef PROXY_TCP_H
#define PROXY_TCP_H

struct addr;
struct listener;

/* Takes over the accepted socket FD for the listener's section. */
void tcp_accept(struct listener *listener, int fd, const struct addr *client);

#endif
