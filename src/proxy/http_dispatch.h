/* SPDX-License-Identifier: MIT */
/*
 * Brings an exchange forward: hooks, route, handler.  What an exchange is due
 * is its `state`; its connection calls this until somebody must be waited for.
 */
#ifndef PROXY_HTTP_DISPATCH_H
#define PROXY_HTTP_DISPATCH_H

#include <stdbool.h>

struct http_exchange;

/* Does what is due.  false when that is nothing: a hook waits (EXCHANGE_HOOK),
 * a body is wanted (EXCHANGE_BODY), a handler is at work, or the exchange is
 * finished. */
bool http_dispatch(struct http_exchange *exchange);

#endif
