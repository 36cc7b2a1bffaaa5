/* SPDX-License-Identifier: MIT */
/*
 * Of all prefixes of a path, the longest is the greatest prefix that sorts at
 * or before the path, or one of those that it contains: whatever sorts between
 * a prefix of the path and the path begins with that prefix.
 */
#include "proxy/http_route.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/regex.h"

static bool
is_prefix(const struct route_conf *conf)
{
    return conf->kind == ROUTE_PREFIX || conf->kind == ROUTE_PREFIX_STRONG;
}

static bool
is_regex(const struct route_conf *conf)
{
    return conf->kind == ROUTE_REGEX || conf->kind == ROUTE_REGEX_NOCASE;
}

static bool
is_exact(const struct route_conf *conf)
{
    return conf->kind == ROUTE_EXACT;
}

static int
compare(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.p, b.p, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_routes(const void *a, const void *b)
{
    const struct http_route *x = a;
    const struct http_route *y = b;

    return compare(x->conf->pattern, y->conf->pattern);
}

/* Appends those routes of CONF of which IS is true; returns how many. */
static size_t
add_routes(struct http_routes *routes, const struct http_conf *conf,
           bool (*is)(const struct route_conf *))
{
    size_t before = routes->count;

    for (size_t i = 0; i < conf->route_count; i++) {
        if (is(&conf->routes[i]))
            routes->all[routes->count++] =
                (struct http_route){.conf = &conf->routes[i], .parent = -1};
    }
    return routes->count - before;
}

static void
link_parents(struct http_routes *routes)
{
    for (size_t i = 1; i < routes->prefix_count; i++) {
        struct str pattern = routes->all[i].conf->pattern;
        int parent = (int)i - 1;

        while (parent >= 0 &&
               !str_starts_with(pattern, routes->all[parent].conf->pattern))
            parent = routes->all[parent].parent;
        routes->all[i].parent = parent;
    }
}

/* The first bytes of a text, those that it lacks as NULs. */
static uint64_t
first_bytes(struct str text)
{
    uint64_t bytes = 0;

    if (text.len > 0)
        memcpy(&bytes, text.p,
               text.len < sizeof(bytes) ? text.len : sizeof(bytes));
    return bytes;
}

static struct http_route_start
start_of(const struct regex *regex)
{
    static const char ones[sizeof(uint64_t)] = "\377\377\377\377"
                                               "\377\377\377\377";
    struct str prefix = regex_prefix(regex);
    size_t len = prefix.len < sizeof(ones) ? prefix.len : sizeof(ones);

    return (struct http_route_start){
        .mask = first_bytes(str_make(ones, len)),
        .bytes = first_bytes(prefix),
    };
}

static int
note_starts(struct http_routes *routes)
{
    routes->starts = calloc(routes->regex_count + 1, sizeof(*routes->starts));
    if (routes->starts == NULL)
        return -1;
    for (size_t i = 0; i < routes->regex_count; i++)
        routes->starts[i] =
            start_of(routes->all[routes->regex_first + i].regex);
    return 0;
}

/* Whether the regex with this number may match a path that begins so. */
static bool
may_match(const struct http_routes *routes, size_t i, uint64_t first)
{
    return (first & routes->starts[i].mask) == routes->starts[i].bytes;
}

static int
compile(struct http_route *route)
{
    unsigned flags = route->conf->kind == ROUTE_REGEX_NOCASE ? REGEX_NOCASE : 0;
    char why[128];

    route->regex = regex_new(route->conf->pattern.p, flags, why, sizeof(why));
    if (route->regex != NULL)
        return 0;
    log_error("route does not compile: %s pattern=" STR_FMT, why,
              STR_ARG(route->conf->pattern));
    errno = EINVAL;
    return -1;
}

/* What a route needs beside its place in the table. */
static int
prepare(struct http_routes *routes, struct http_route *route,
        http_route_upstream_fn find, void *arg)
{
    if (route->conf->target == ROUTE_TO_UPSTREAM)
        route->upstream = find(arg, route->conf->upstream);
    if (is_regex(route->conf))
        return compile(route);
    if (is_exact(route->conf))
        return map_put(&routes->exact, route->conf->pattern, route);
    return 0;
}

int
http_routes_init(struct http_routes *routes, const struct http_conf *conf,
                 http_route_upstream_fn find, void *arg)
{
    int saved;

    *routes = (struct http_routes){0};
    map_init(&routes->exact);
    routes->all = calloc(conf->route_count + 1, sizeof(*routes->all));
    if (routes->all == NULL)
        return -1;
    routes->prefix_count = add_routes(routes, conf, is_prefix);
    qsort(routes->all, routes->prefix_count, sizeof(*routes->all),
          compare_routes);
    link_parents(routes);
    routes->regex_first = routes->prefix_count;
    routes->regex_count = add_routes(routes, conf, is_regex);
    add_routes(routes, conf, is_exact);
    for (size_t i = 0; i < routes->count; i++) {
        if (prepare(routes, &routes->all[i], find, arg) < 0)
            goto fini;
    }
    if (note_starts(routes) < 0)
        goto fini;
    return 0;

fini:
    saved = errno;
    http_routes_fini(routes);
    errno = saved;
    return -1;
}

void
http_routes_fini(struct http_routes *routes)
{
    for (size_t i = 0; i < routes->count; i++)
        regex_free(routes->all[i].regex);
    map_fini(&routes->exact);
    free(routes->starts);
    free(routes->all);
    *routes = (struct http_routes){0};
}

static const struct http_route *
find_prefix(const struct http_routes *routes, struct str path)
{
    size_t from = 0;
    size_t to = routes->prefix_count;
    int i;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (compare(routes->all[middle].conf->pattern, path) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    for (i = (int)from - 1; i >= 0; i = routes->all[i].parent) {
        if (str_starts_with(path, routes->all[i].conf->pattern))
            return &routes->all[i];
    }
    return NULL;
}

const struct http_route *
http_routes_find(const struct http_routes *routes, struct str path,
                 struct str *groups, int max, int *group_count)
{
    const struct http_route *route;
    uint64_t first;

    *group_count = 0;
    if (routes->exact.count > 0) {
        route = map_get(&routes->exact, path);
        if (route != NULL)
            return route;
    }
    route = find_prefix(routes, path);
    if (route != NULL && route->conf->kind == ROUTE_PREFIX_STRONG)
        return route;
    first = first_bytes(path);
    for (size_t i = 0; i < routes->regex_count; i++) {
        const struct http_route *regex = &routes->all[routes->regex_first + i];

        if (!may_match(routes, i, first))
            continue;
        *group_count = regex_match(regex->regex, path, groups, (unsigned)max);
        if (*group_count > 0)
            return regex;
        if (*group_count < 0) {
            log_warn(
                "route was given up, it backtracks too much pattern=" STR_FMT,
                STR_ARG(regex->conf->pattern));
            return NULL;
        }
    }
    return route;
}

bool
http_routes_is_script(const struct http_routes *routes, struct str path)
{
    uint64_t first = first_bytes(path);

    for (size_t i = 0; i < routes->regex_count; i++) {
        const struct http_route *route = &routes->all[routes->regex_first + i];

        if (may_match(routes, i, first) &&
            route->conf->target == ROUTE_TO_UPSTREAM &&
            regex_match(route->regex, path, NULL, 0) != 0)
            return true;
    }
    return false;
}
