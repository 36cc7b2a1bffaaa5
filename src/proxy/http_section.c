/* SPDX-License-Identifier: MIT */
#include "proxy/http_section.h"

static struct str
first_plain_name(const struct http_conf *conf)
{
    for (size_t i = 0; i < conf->server_name_count; i++) {
        if (conf->server_names[i].p[0] != '*')
            return conf->server_names[i];
    }
    return (struct str){0};
}

int
http_section_init(struct http_section *section, const struct section_conf *conf,
                  http_route_upstream_fn find, void *arg)
{
    *section = (struct http_section){
        .section.conf = conf,
        .conf = conf->http,
        .plain_name = first_plain_name(conf->http),
    };
    return http_routes_init(&section->routes, conf->http, find, arg);
}

void
http_section_fini(struct http_section *section)
{
    http_routes_fini(&section->routes);
}

struct str
http_section_error_page(const struct http_section *section, int status)
{
    const struct http_conf *conf = section->conf;

    for (size_t i = 0; i < conf->error_page_count; i++) {
        const struct error_page_conf *page = &conf->error_pages[i];

        for (size_t j = 0; j < page->status_count; j++) {
            if (page->statuses[j] == (unsigned)status)
                return page->uri;
        }
    }
    return (struct str){0};
}
