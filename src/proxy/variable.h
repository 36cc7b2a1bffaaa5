/* SPDX-License-Identifier: MIT */
/*
 * The values of ${...} variables (config/template.h) for an exchange.
 */
#ifndef PROXY_VARIABLE_H
#define PROXY_VARIABLE_H

#include "base/buf.h"
#include "base/str.h"
#include "config/template.h"

struct http_exchange;

/* Appends the expansion of TEMPLATE; what has no value is empty. */
void variable_expand(struct buf *to, const struct template *template,
                     struct http_exchange *exchange);

/* The same into the exchange's arena, with a NUL behind it; p is NULL without
 * memory.  A template without variables costs nothing. */
struct str
variable_text(const struct template *template, struct http_exchange *exchange);

#endif
