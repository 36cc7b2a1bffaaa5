/* SPDX-License-Identifier: MIT */
/*
 * Asks a FastCGI application (php-fpm) for the answer to an exchange.
 *
 *      prepare: which script? 404 without asking where there is none
 *      start:   dial ─▶ BEGIN, PARAMS, STDIN in one write (the body is whole)
 *               STDOUT ─▶ CGI head ─▶ response, streamed at once
 *               STDERR ─▶ log
 *               END_REQUEST ─▶ keep the connection, or close it
 *
 * What a slow client does not take is read ahead, up to the section's
 * response_buffer and response_spool, so that it holds no php-fpm child.
 */
#ifndef PROXY_FASTCGI_CLIENT_H
#define PROXY_FASTCGI_CLIENT_H

#include <stdbool.h>

struct http_exchange;

/* Finds the script of the exchange's path.  false: there is none, and the
 * exchange has been answered (404). */
bool fastcgi_prepare(struct http_exchange *exchange);

/* Starts; the exchange's body is whole.  Ends in exchange_finish, _fail,
 * _redirect or _reroute. */
void fastcgi_start(struct http_exchange *exchange);

#endif
