/* SPDX-License-Identifier: MIT */
/*
 * A client at a listener with accept_proxy, until its PROXY header is there.
 * Only then does its section learn of it, as if the client that the header
 * names had connected itself.
 *
 *      accept ─▶ in `trust`? ─▶ header whole? ─▶ section->on_client
 *                    │              │  ▲  └─ no ─▶ waits, header_timeout
 *                    │              │  └────────────┘
 *                    └──── no ──────┴ broken ─▶ section->on_client: to be
 * closed
 */
#ifndef PROXY_ARRIVAL_H
#define PROXY_ARRIVAL_H

struct addr;
struct listener;

/* Takes over the accepted socket FD; the listener's place for it is given back
 * by whoever ends it. */
void arrival_accept(struct listener *listener, int fd, const struct addr *peer);

#endif
