/* SPDX-License-Identifier: MIT */
/*
 * Where an exchange's path lies in the file system.
 */
#ifndef PROXY_HTTP_FILE_H
#define PROXY_HTTP_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct http_exchange;

/* The document root of the exchange's route (of its section before routing),
 * without a slash at its end; p is NULL when there is none. */
struct str exchange_root(struct http_exchange *exchange);

/* The file that PATH is served from: root and path, or alias and the rest of
 * the path behind the route's prefix.  NUL-terminated in the arena; p is NULL
 * without a root, or without memory. */
struct str exchange_file(struct http_exchange *exchange, struct str path);

/* Whether PATH (decoded, as the request's) is a regular file below the root
 * that it is served from; an empty one stands for the request's own path.
 * What was seen may be a second old. */
bool exchange_file_exists(struct http_exchange *exchange, struct str path);

/* How many bytes of PATH, which is not empty, are the name of a regular file:
 * all of it, or a leading part that ends before a slash, the shortest that
 * there is.  0: none.  Likewise. */
size_t exchange_file_prefix(struct http_exchange *exchange, struct str path);

#endif
