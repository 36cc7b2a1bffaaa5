/* SPDX-License-Identifier: MIT */
/*
 * The routes of an http section, compiled: which target a path goes to, by
 * nginx's precedence.
 *
 *      = /exact            a hash look-up
 *      ^~ /prefix          the longest prefix, if it is a strong one
 *      ~ regex, ~* regex   in file order, the first that matches
 *      /prefix             the longest prefix
 *
 * Prefixes are sorted; finding the longest costs a binary search, however many
 * there are.  Of the regexes, each that could match has to be tried; those that
 * begin with other text behind their '^' than the path cost a comparison.
 */
#ifndef PROXY_HTTP_ROUTE_H
#define PROXY_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/model.h"

struct regex;
struct upstream;

struct http_route {
    const struct route_conf *conf;
    struct regex *regex;       /* regex routes, else NULL */
    struct upstream *upstream; /* ROUTE_TO_UPSTREAM, else NULL */
    int parent; /* prefixes: the next shorter one that contains this; -1 */
};

/* The first bytes of all paths that a regex may match: those of MASK. */
struct http_route_start {
    uint64_t mask;
    uint64_t bytes;
};

struct http_routes {
    struct http_route *all; /* prefixes sorted first, then the others */
    size_t count;
    size_t prefix_count;
    size_t regex_first; /* regexes in file order from here */
    size_t regex_count;
    struct http_route_start *starts; /* of the regexes, side by side */
    struct map exact;
};

/* Finds an upstream by its configuration. */
typedef struct upstream *(*http_route_upstream_fn)(
    void *arg, const struct upstream_conf *conf);

/* Compiles CONF's routes, which must outlive them.  -1 with errno: ENOMEM, or
 * EINVAL for a pattern that does not compile and EEXIST for the same exact
 * path twice, which the configuration reader refuses before. */
int http_routes_init(struct http_routes *routes, const struct http_conf *conf,
                     http_route_upstream_fn find, void *arg) MUST_CHECK;
void http_routes_fini(struct http_routes *routes);

/* The route of PATH, or NULL.  A regex route sets up to MAX GROUPS (into
 * PATH) and *GROUP_COUNT; other routes set *GROUP_COUNT to 0.  When a regex
 * was given up (base/regex.h), where PATH belongs is not known: NULL, and
 * *GROUP_COUNT is -1. */
const struct http_route *
http_routes_find(const struct http_routes *routes, struct str path,
                 struct str *groups, int max, int *group_count);

/* Whether any regex route to an upstream matches PATH (or cannot be said not
 * to), whatever goes before it: then a file there is a script, and is never
 * served as it stands. */
bool http_routes_is_script(const struct http_routes *routes, struct str path);

#endif
