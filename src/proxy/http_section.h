/* SPDX-License-Identifier: MIT */
/*
 * An [http] section made live: its routes and its error pages.
 */
#ifndef PROXY_HTTP_SECTION_H
#define PROXY_HTTP_SECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"
#include "proxy/http_route.h"
#include "proxy/section.h"

struct http_section {
    struct section section; /* the part that all sections have; first */
    const struct http_conf *conf;
    struct http_routes routes;
    struct str plain_name;    /* the first server_name without a star; absent */
    struct file_cache *files; /* the worker's; shared by all sections */
};

/* Makes CONF live; FIND (with ARG) gives the upstreams of its routes, and the
 * runtime sets what is left of section->section.  0, or -1 with errno. */
int
http_section_init(struct http_section *section, const struct section_conf *conf,
                  http_route_upstream_fn find, void *arg) MUST_CHECK;
void http_section_fini(struct http_section *section);

static inline struct http_section *
http_section_of(struct section *section)
{
    return (struct http_section *)(void *)section;
}

/* The page that the section shows for STATUS; p is NULL when there is none. */
struct str
http_section_error_page(const struct http_section *section, int status);

#endif
