/* SPDX-License-Identifier: MIT */
/*
 * Answers that are the proxy's own: redirects, errors, error pages, and what a
 * hook replies.  Also the head that all responses of a section begin with.
 */
#ifndef PROXY_HTTP_ANSWER_H
#define PROXY_HTTP_ANSWER_H

#include "base/str.h"
#include "proxy/hook.h"

struct http_exchange;

/* Begins a response: status line and the section's own headers. */
void exchange_begin_response(struct http_exchange *exchange, int status);

/* Answers with STATUS: the section's error page where there is one, else a
 * small page of our own.  FLAGS are the two termination letters, or NULL to
 * leave them.  If a part of another response has left already, the connection
 * is closed instead.  The handler forgets the exchange. */
void
exchange_fail(struct http_exchange *exchange, int status, const char *flags);

/* Redirects to LOCATION (encoded). */
void exchange_redirect(struct http_exchange *exchange, int status,
                       struct str location);

/* Answers what a hook has decided (HOOK_REPLY). */
void exchange_reply_verdict(struct http_exchange *exchange,
                            const struct hook_verdict *verdict);

#endif
