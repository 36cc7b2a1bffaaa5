/* SPDX-License-Identifier: MIT */
/*
 * Serves files: types, validators and conditional requests (RFC 9110, 13),
 * ranges (14), index files and the redirect to a directory's slash.  Bodies
 * leave by sendfile.
 */
#ifndef PROXY_STATIC_H
#define PROXY_STATIC_H

struct http_exchange;

/* Answers the exchange from its root; ends in exchange_finish, _fail,
 * _redirect or _reroute before it returns or when the file has been taken. */
void static_serve(struct http_exchange *exchange);

#endif
