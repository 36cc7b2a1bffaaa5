/* SPDX-License-Identifier: MIT */
/* Checks across keys and sections. What a line's own fault explains is not
 * reported again: "no listen" is about a section without the key. */
#include "config/verify.h"

#include "config/value.h"

/* A listen key and the section that it stands in. */
struct place {
    const struct section_conf *section;
    const struct listen_conf *listen;
};

struct verifier {
    const struct config *config;
    const struct document *doc;
    struct faults *faults;
};

/* Does the block of this kind, written at AT, have the key at all? */
static bool
has_key(const struct verifier *v, enum key_section kind, struct config_at at,
        const char *name)
{
    const struct key *key = keys_find(kind, str_from(name));
    const struct block *blocks = v->doc->blocks.items;

    for (size_t i = 0; i < v->doc->blocks.count; i++)
        if (blocks[i].at.file == at.file && blocks[i].at.line == at.line)
            return block_find(&blocks[i], key) != NULL;
    return false;
}

static enum key_section
key_section_of(const struct section_conf *section)
{
    switch (section->kind) {
    case SECTION_HTTP:
        return KEY_HTTP;
    case SECTION_TCP:
        return KEY_TCP;
    case SECTION_MYSQL:
        return KEY_MYSQL;
    }
    return KEY_HTTP;
}

static void
verify_servers(const struct verifier *v, const struct upstream_conf *upstream)
{
    for (size_t i = 0; i < upstream->server_count; i++) {
        const struct server_conf *server = &upstream->servers[i];

        if (server->root.p != NULL && upstream->protocol != PROTOCOL_FASTCGI)
            faults_add_at(v->faults, server->at,
                          "server " STR_FMT ": root= is for protocol = fastcgi",
                          STR_ARG(server->name));
    }
}

static void
verify_upstream(const struct verifier *v, const struct upstream_conf *upstream)
{
    if (value_find_word("static internal deny redirect", upstream->name) >= 0)
        faults_add_at(v->faults, upstream->at,
                      "[upstream " STR_FMT "]: a route's target of this name "
                      "means something else: choose another",
                      STR_ARG(upstream->name));
    if (!has_key(v, KEY_UPSTREAM, upstream->at, "server"))
        faults_add_at(v->faults, upstream->at,
                      "[upstream " STR_FMT "] has no server: add server NAME = "
                      "HOST:PORT",
                      STR_ARG(upstream->name));
    if (upstream->keepalive > 0 && upstream->protocol != PROTOCOL_FASTCGI)
        faults_add_at(v->faults, upstream->at,
                      "[upstream " STR_FMT "]: keepalive is for protocol = "
                      "fastcgi",
                      STR_ARG(upstream->name));
    verify_servers(v, upstream);
}

static void
verify_routes(const struct verifier *v, const struct section_conf *section)
{
    const struct http_conf *http = section->http;

    for (size_t i = 0; i < http->route_count; i++) {
        const struct route_conf *route = &http->routes[i];

        if (route->target == ROUTE_TO_STATIC && http->root == NULL &&
            route->root == NULL && route->alias == NULL &&
            !has_key(v, KEY_HTTP, section->at, "root"))
            faults_add_at(
                v->faults, route->at,
                "route: static files need a root: set root in [http " STR_FMT
                "], or root= or alias= before the target",
                STR_ARG(section->name));
        for (size_t k = 0; k < i; k++)
            if (http->routes[k].kind == route->kind &&
                str_equal(http->routes[k].pattern, route->pattern))
                faults_add_at(v->faults, route->at,
                              "route: '" STR_FMT "' is routed on line %u "
                              "already",
                              STR_ARG(route->pattern), http->routes[k].at.line);
    }
}

static void
verify_params(const struct verifier *v, const struct http_conf *http)
{
    for (size_t i = 0; i < http->param_count; i++)
        for (size_t k = 0; k < i; k++)
            if (str_equal(http->params[i].name, http->params[k].name))
                faults_add_at(v->faults, http->params[i].at,
                              "param: '" STR_FMT "' is set on line %u already",
                              STR_ARG(http->params[i].name),
                              http->params[k].at.line);
}

static void
verify_section(const struct verifier *v, const struct section_conf *section)
{
    enum key_section kind = key_section_of(section);
    const char *word = section_kind_name(section->kind);

    if (!has_key(v, kind, section->at, "listen"))
        faults_add_at(v->faults, section->at,
                      "[%s " STR_FMT "] has no listen: add listen = "
                      "ADDRESS:PORT",
                      word, STR_ARG(section->name));
    if (section->kind == SECTION_HTTP) {
        verify_routes(v, section);
        verify_params(v, section->http);
        return;
    }
    if (!has_key(v, kind, section->at, "upstream"))
        faults_add_at(v->faults, section->at,
                      "[%s " STR_FMT "] has no upstream: add upstream = NAME",
                      word, STR_ARG(section->name));
    for (size_t i = 0; i < section->listen_count; i++)
        if (section->listens[i].default_server)
            faults_add_at(v->faults, section->listens[i].at,
                          "listen: default_server is for [http]");
}

/* The first host that both sections are for; absent for none. Sections without
 * server_name are for all hosts that no other has. */
static bool
share_a_name(const struct http_conf *a, const struct http_conf *b,
             struct str *name)
{
    *name = STR("");
    if (a->server_name_count == 0 && b->server_name_count == 0)
        return true;
    for (size_t i = 0; i < a->server_name_count; i++)
        for (size_t k = 0; k < b->server_name_count; k++)
            if (str_equal(a->server_names[i], b->server_names[k])) {
                *name = a->server_names[i];
                return true;
            }
    return false;
}

static void
verify_names(const struct verifier *v, const struct place *a,
             const struct place *b)
{
    struct str name;

    if (!share_a_name(a->section->http, b->section->http, &name))
        return;
    if (name.len > 0)
        faults_add_at(v->faults, b->listen->at,
                      "listen: [http " STR_FMT "] has the server_name " STR_FMT
                      " at " STR_FMT " already: no request would come here",
                      STR_ARG(a->section->name), STR_ARG(name),
                      STR_ARG(b->listen->address.text));
    else
        faults_add_at(v->faults, b->listen->at,
                      "listen: neither [http " STR_FMT "] nor [http " STR_FMT
                      "] at " STR_FMT " has a server_name: no request would "
                      "come to the second",
                      STR_ARG(a->section->name), STR_ARG(b->section->name),
                      STR_ARG(b->listen->address.text));
}

/* Two listen keys with the same address. */
static void
verify_pair(const struct verifier *v, const struct place *a,
            const struct place *b)
{
    const char *kind = section_kind_name(a->section->kind);

    if (a->section != b->section && a->section->kind == b->section->kind &&
        str_equal(a->section->name, b->section->name))
        return; /* one section that is there twice, which was said */
    if (a->section == b->section || a->section->kind != SECTION_HTTP ||
        b->section->kind != SECTION_HTTP) {
        faults_add_at(v->faults, b->listen->at,
                      "listen: " STR_FMT " is taken by [%s " STR_FMT "] at "
                      "%s:%u%s",
                      STR_ARG(b->listen->address.text), kind,
                      STR_ARG(a->section->name), a->listen->at.file,
                      a->listen->at.line,
                      a->section == b->section
                          ? ""
                          : ": only [http] sections can share an address");
        return;
    }
    if (a->listen->default_server && b->listen->default_server)
        faults_add_at(
            v->faults, b->listen->at,
            "listen: [http " STR_FMT "] is the default_server of " STR_FMT
            " already, at %s:%u",
            STR_ARG(a->section->name), STR_ARG(b->listen->address.text),
            a->listen->at.file, a->listen->at.line);
    if (a->listen->backlog != 0 && b->listen->backlog != 0 &&
        a->listen->backlog != b->listen->backlog)
        faults_add_at(v->faults, b->listen->at,
                      "listen: the backlog of " STR_FMT " is %u at %s:%u: one "
                      "address has one backlog",
                      STR_ARG(b->listen->address.text), a->listen->backlog,
                      a->listen->at.file, a->listen->at.line);
    verify_names(v, a, b);
}

/* Compares every listen key with those before it. */
static void
verify_listens(const struct verifier *v)
{
    const struct config *config = v->config;
    struct vec places = {.count = 0};

    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *section = &config->sections[i];

        for (size_t n = 0; n < section->listen_count; n++) {
            struct place place = {section, &section->listens[n]};
            const struct place *others = places.items;

            for (size_t k = 0; k < places.count; k++)
                if (str_equal(others[k].listen->address.text,
                              place.listen->address.text))
                    verify_pair(v, &others[k], &place);
            *(struct place *)vec_add(&places, v->doc->arena, sizeof(place)) =
                place;
        }
    }
}

static void
verify_counts(const struct verifier *v)
{
    const struct config *config = v->config;
    const char *file = config->file.p;

    if (config->section_count == 0)
        faults_add(v->faults, file, 0,
                   "nothing to do: add a section [http NAME], [tcp NAME] or "
                   "[mysql NAME] with a listen key");
    if (config->section_count > CONFIG_SECTIONS_MAX)
        faults_add(v->faults, file, 0,
                   "%zu sections of http, tcp and mysql are more than %d",
                   config->section_count, CONFIG_SECTIONS_MAX);
    if (config->upstream_count > CONFIG_UPSTREAMS_MAX)
        faults_add(v->faults, file, 0, "%zu upstreams are more than %d",
                   config->upstream_count, CONFIG_UPSTREAMS_MAX);
    if (config->server_count > CONFIG_SERVERS_MAX)
        faults_add(v->faults, file, 0,
                   "%zu servers of all upstreams are more than %d",
                   config->server_count, CONFIG_SERVERS_MAX);
}

void
verify_config(const struct config *config, const struct document *doc)
{
    const struct verifier v = {config, doc, doc->faults};

    /* Of a file without a section only that much can be said. */
    if (config->section_count > 0 || doc->faults->count == 0)
        verify_counts(&v);
    for (size_t i = 0; i < config->upstream_count; i++)
        verify_upstream(&v, &config->upstreams[i]);
    for (size_t i = 0; i < config->section_count; i++)
        verify_section(&v, &config->sections[i]);
    verify_listens(&v);
}
