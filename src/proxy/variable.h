/* SPDX-License-Identifier: MIT */
/*
 * The values of ${...} variables (config/template.h) for an HTTP exchange or a
 * TCP session.  A variable that has no value, or not yet, is empty.
 */
#ifndef PROXY_VARIABLE_H
#define PROXY_VARIABLE_H

#include "base/buf.h"
#include "base/str.h"
#include "config/template.h"

enum {
    VARIABLE_SPACE = 160, /* bytes that a value which must be written needs */
};

struct http_exchange;
struct tcp_session;

/* The value of PIECE's variable, or its literal text.  It lives as long as
 * SPACE and the exchange or session. */
struct str
variable_of_http(const struct template_piece *piece,
                 struct http_exchange *exchange, char space[VARIABLE_SPACE]);
struct str
variable_of_tcp(const struct template_piece *piece,
                const struct tcp_session *session, char space[VARIABLE_SPACE]);

/* The expansion of TEMPLATE in the exchange's arena, with a NUL behind it; p is
 * NULL without memory.  A template without variables costs nothing. */
struct str
variable_text(const struct template *template, struct http_exchange *exchange);

/* As variable_text, for a header's value or a URL: ${uri} and ${path}, which
 * may hold any byte once they are decoded, are percent-encoded, and ${args} is
 * empty if a script has put bytes into it that a value may not have.  No other
 * variable can have such. */
struct str
variable_field(const struct template *template, struct http_exchange *exchange);

#endif
