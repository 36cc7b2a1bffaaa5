/* SPDX-License-Identifier: MIT */
/*
 * What a FastCGI application is told of a request: the meta-variables of
 * CGI/1.1 (RFC 3875, 4.1), what nginx's fastcgi_params adds, the request's
 * header fields as HTTP_*, and the section's own `param` lines, which come last
 * and so win.
 */
#ifndef PROXY_FASTCGI_PARAMS_H
#define PROXY_FASTCGI_PARAMS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct http_exchange;
struct server;

enum {
    FASTCGI_REQUEST_ID = 1, /* of all records: a connection has one request at
                               a time */
};

/* A path cut into script and PATH_INFO, as it is routed. */
struct fastcgi_script {
    struct str name; /* SCRIPT_NAME: "/index.php" */
    struct str info; /* PATH_INFO: "/a/b"; may be empty */
};

enum fastcgi_found {
    FASTCGI_SCRIPT, /* *OUT is set */
    FASTCGI_INDEX,  /* a folder: exchange->path became its index file's */
    FASTCGI_NONE,   /* there is no such script */
};

/* Finds the script of the exchange's path: the first ".php" in it that is a
 * file, else what the route's groups say if that is one.  Where the root is
 * remote nothing is looked for, and the path alone decides. */
enum fastcgi_found
fastcgi_find_script(struct fastcgi_script *out, struct http_exchange *exchange);

/* Appends the PARAMS stream of the exchange for SERVER, records and end. */
void fastcgi_write_params(struct buf *to, struct http_exchange *exchange,
                          const struct fastcgi_script *script,
                          const struct server *server);

#endif
