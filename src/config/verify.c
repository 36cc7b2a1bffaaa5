/* SPDX-License-Identifier: MIT */
/* Checks across keys and sections. What a line's own fault explains is not
 * reported again: "no listen" is about a section without the key. */
#include "config/verify.h"

#include "config/value.h"
#include "config/verify_chroot.h"
#include "config/verify_daemon.h"
#include "config/verify_health.h"
#include "config/verify_rebalance.h"
#include "config/verify_script_trust.h"
#include "config/verify_visible.h"

/* A listen key and the section that it stands in. */
struct place {
    const struct section_conf *section;
    const struct listen_conf *listen;
};

/* What is known of an address: the keys that were there first. */
struct address {
    struct str text;
    const struct place *first;
    const struct place *last;
    const struct place *with_default;
    const struct place *with_backlog;
    const struct place *nameless;
    struct map names; /* of the sections there: to their places */
    struct address *older;
};

struct addresses {
    struct map by_text;
    struct address *newest;
};

struct verifier {
    const struct config *config;
    const struct document *doc;
    struct faults *faults;
};

/* Is the key written in BLOCK at all, at fault or not? */
static bool
has_key(const struct block *block, const char *name)
{
    return block_find(block, keys_find(block->kind, str_from(name))) != NULL;
}

/* The next block of one of these KINDS; parts of the configuration stand in
 * the order of their blocks. */
static const struct block *
next_block(const struct document *doc, size_t *next, unsigned kinds)
{
    const struct block *blocks = doc->blocks.items;

    while ((blocks[*next].kind & kinds) == 0)
        (*next)++;
    return &blocks[(*next)++];
}

static void
verify_server_tls(const struct verifier *v,
                  const struct upstream_conf *upstream,
                  const struct server_conf *server)
{
    const struct server_tls_conf *tls = &server->tls;

    if (!tls->on)
        return;
    if (upstream->protocol != PROTOCOL_MYSQL)
        faults_add_at(v->faults, server->at,
                      "server " STR_FMT ": tls is not supported in this "
                      "version but for protocol = mysql",
                      STR_ARG(server->name));
    else if (server->address.is_unix && tls->verify != TLS_VERIFY_OFF &&
             tls->name.p == NULL)
        faults_add_at(v->faults, server->at,
                      "server " STR_FMT ": a Unix socket has no name that tls "
                      "could verify: add tls_name=NAME or verify=off",
                      STR_ARG(server->name));
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
        verify_server_tls(v, upstream, server);
    }
}

static void
verify_upstream(const struct verifier *v, const struct upstream_conf *upstream,
                const struct block *block)
{
    if (value_find_word("static internal deny redirect", upstream->name) >= 0)
        faults_add_at(v->faults, upstream->at,
                      "[upstream " STR_FMT "]: a route's target of this name "
                      "means something else: choose another",
                      STR_ARG(upstream->name));
    if (!has_key(block, "server"))
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
    verify_health(upstream, block, v->doc);
    verify_rebalance(v->config, upstream, block, v->faults);
}

/* Is ROUTE to static files that nobody said where to find? */
static bool
lacks_root(const struct http_conf *http, const struct route_conf *route)
{
    return route->target == ROUTE_TO_STATIC && http->root == NULL &&
           route->root == NULL && route->alias == NULL;
}

static void
verify_roots(const struct verifier *v, const struct section_conf *section,
             const struct block *block)
{
    const struct http_conf *http = section->http;

    if (has_key(block, "root"))
        return;
    for (size_t i = 0; i < http->route_count; i++)
        if (lacks_root(http, &http->routes[i]))
            faults_add_at(
                v->faults, http->routes[i].at,
                "route: static files need a root: set root in [http " STR_FMT
                "], or root= or alias= before the target",
                STR_ARG(section->name));
}

static void
verify_routes(const struct verifier *v, const struct http_conf *http)
{
    struct map seen[ROUTE_REGEX_NOCASE + 1] = {0}; /* of each kind */
    const size_t kinds = sizeof(seen) / sizeof(*seen);

    for (size_t i = 0; i < http->route_count; i++) {
        const struct route_conf *route = &http->routes[i];
        const struct route_conf *first =
            seen_add(&seen[route->kind], route->pattern, route);

        if (first != NULL)
            faults_add_at(v->faults, route->at,
                          "route: '" STR_FMT "' is routed on line %u already",
                          STR_ARG(route->pattern), first->at.line);
    }
    for (size_t i = 0; i < kinds; i++)
        map_fini(&seen[i]);
}

static void
verify_params(const struct verifier *v, const struct http_conf *http)
{
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < http->param_count; i++) {
        const struct field_conf *param = &http->params[i];
        const struct field_conf *first = seen_add(&seen, param->name, param);

        if (first != NULL)
            faults_add_at(v->faults, param->at,
                          "param: '" STR_FMT "' is set on line %u already",
                          STR_ARG(param->name), first->at.line);
    }
    map_fini(&seen);
}

/* Does TRUST name whoever can connect to ADDRESS at all? */
static bool
names_clients(const struct section_conf *section,
              const struct address_conf *address)
{
    for (size_t i = 0; i < section->trust_count; i++)
        if ((section->trust[i].family == AF_UNIX) == address->is_unix)
            return true;
    return false;
}

/* The header is believed from those in `trust` alone, and all others are
 * refused: without it there would be nobody left. */
static void
verify_accept_proxy(const struct verifier *v,
                    const struct section_conf *section,
                    const struct listen_conf *listen, bool has_trust)
{
    if (!has_trust)
        faults_add_at(v->faults, listen->at,
                      "listen: accept_proxy needs a trust key in [%s " STR_FMT
                      "]: trust = NETWORK ... says whose header is believed, "
                      "and all others are refused",
                      section_kind_name(section->kind), STR_ARG(section->name));
    else if (section->trust_count > 0 &&
             !names_clients(section, &listen->address))
        faults_add_at(v->faults, listen->at,
                      "listen: accept_proxy: trust names nobody who can "
                      "connect to " STR_FMT ": %s",
                      STR_ARG(listen->address.text),
                      listen->address.is_unix
                          ? "the clients of Unix sockets are unix:"
                          : "unix: are the clients of Unix sockets");
}

static void
verify_trust(const struct verifier *v, const struct section_conf *section,
             const struct block *block)
{
    const struct entry *trust =
        block_find(block, keys_find(block->kind, STR("trust")));
    bool used = section->kind == SECTION_HTTP;

    for (size_t i = 0; i < section->listen_count; i++) {
        if (!section->listens[i].accept_proxy)
            continue;
        used = true;
        verify_accept_proxy(v, section, &section->listens[i], trust != NULL);
    }
    if (trust != NULL && !used && has_key(block, "listen"))
        faults_add_at(v->faults, trust->at,
                      "trust: in [%s] it says whose PROXY header is believed: "
                      "it needs accept_proxy behind a listen key",
                      section_kind_name(section->kind));
}

static void
verify_listen_tls(const struct verifier *v, const struct section_conf *section)
{
    for (size_t i = 0; i < section->listen_count; i++) {
        const struct listen_conf *listen = &section->listens[i];

        if (!listen->tls.on)
            continue;
        if (section->kind != SECTION_MYSQL)
            faults_add_at(v->faults, listen->at,
                          "listen: tls is not supported in this version but "
                          "in [mysql]");
        else if (section->handshake == HANDSHAKE_PASSTHROUGH)
            faults_add_at(v->faults, listen->at,
                          "listen: tls is for handshake = switch: with "
                          "passthrough the servers' own TLS passes untouched");
    }
}

static void
verify_section(const struct verifier *v, const struct section_conf *section,
               const struct block *block)
{
    const char *word = section_kind_name(section->kind);

    if (!has_key(block, "listen"))
        faults_add_at(v->faults, section->at,
                      "[%s " STR_FMT "] has no listen: add listen = "
                      "ADDRESS:PORT",
                      word, STR_ARG(section->name));
    verify_trust(v, section, block);
    verify_listen_tls(v, section);
    if (section->kind == SECTION_HTTP) {
        verify_roots(v, section, block);
        verify_routes(v, section->http);
        verify_params(v, section->http);
        return;
    }
    if (!has_key(block, "upstream"))
        faults_add_at(v->faults, section->at,
                      "[%s " STR_FMT "] has no upstream: add upstream = NAME",
                      word, STR_ARG(section->name));
    for (size_t i = 0; i < section->listen_count; i++)
        if (section->listens[i].default_server)
            faults_add_at(v->faults, section->listens[i].at,
                          "listen: default_server is for [http]");
}

/* Are these two sections one that is there twice? That was said. */
static bool
is_twin(const struct section_conf *a, const struct section_conf *b)
{
    return a != b && a->kind == b->kind && str_equal(a->name, b->name);
}

/* Does a section other than that of B, which was noted as A, go before it? */
static bool
goes_before(const struct place *a, const struct place *b)
{
    return a != NULL && !is_twin(a->section, b->section);
}

static void
refuse_taken(const struct verifier *v, const struct place *a,
             const struct place *b)
{
    faults_add_at(
        v->faults, b->listen->at,
        "listen: " STR_FMT " is taken by [%s " STR_FMT "] at %s:%u%s",
        STR_ARG(b->listen->address.text), section_kind_name(a->section->kind),
        STR_ARG(a->section->name), a->listen->at.file, a->listen->at.line,
        a->section == b->section
            ? ""
            : ": only [http] sections can share an address");
}

static void
verify_default(const struct verifier *v, struct address *address,
               const struct place *place)
{
    const struct place *first = address->with_default;

    if (!place->listen->default_server)
        return;
    if (first == NULL)
        address->with_default = place;
    else if (goes_before(first, place))
        faults_add_at(v->faults, place->listen->at,
                      "listen: [http " STR_FMT
                      "] is the default_server of " STR_FMT
                      " already, at %s:%u",
                      STR_ARG(first->section->name), STR_ARG(address->text),
                      first->listen->at.file, first->listen->at.line);
}

static void
verify_backlog(const struct verifier *v, struct address *address,
               const struct place *place)
{
    const struct place *first = address->with_backlog;

    if (place->listen->backlog == 0)
        return;
    if (first == NULL)
        address->with_backlog = place;
    else if (goes_before(first, place) &&
             first->listen->backlog != place->listen->backlog)
        faults_add_at(v->faults, place->listen->at,
                      "listen: the backlog of " STR_FMT " is %u at %s:%u: one "
                      "address has one backlog",
                      STR_ARG(address->text), first->listen->backlog,
                      first->listen->at.file, first->listen->at.line);
}

/* A connection is read before it is known which section it is for. */
static void
verify_same_header(const struct verifier *v, const struct address *address,
                   const struct place *place)
{
    const struct place *first = address->first;

    if (goes_before(first, place) &&
        first->listen->accept_proxy != place->listen->accept_proxy)
        faults_add_at(v->faults, place->listen->at,
                      "listen: " STR_FMT " %s accept_proxy at %s:%u: at one "
                      "address all connections begin with a PROXY header, or "
                      "none",
                      STR_ARG(address->text),
                      first->listen->accept_proxy ? "has" : "is without",
                      first->listen->at.file, first->listen->at.line);
}

/* Sections without server_name are for all hosts that no other has. */
static void
verify_nameless(const struct verifier *v, struct address *address,
                const struct place *place)
{
    const struct place *first = address->nameless;

    if (first == NULL)
        address->nameless = place;
    else if (goes_before(first, place))
        faults_add_at(v->faults, place->listen->at,
                      "listen: neither [http " STR_FMT "] nor [http " STR_FMT
                      "] at " STR_FMT " has a server_name: no request would "
                      "come to the second",
                      STR_ARG(first->section->name),
                      STR_ARG(place->section->name), STR_ARG(address->text));
}

/* Names that others have already; of each other section the first is said. */
static void
verify_names(const struct verifier *v, struct address *address,
             const struct place *place)
{
    const struct http_conf *http = place->section->http;
    const struct place *said = NULL;

    for (size_t i = 0; i < http->server_name_count; i++) {
        struct str name = http->server_names[i];
        const struct place *first = seen_add(&address->names, name, place);

        if (!goes_before(first, place) || first == said)
            continue;
        said = first;
        faults_add_at(v->faults, place->listen->at,
                      "listen: [http " STR_FMT "] has the server_name " STR_FMT
                      " at " STR_FMT " already: no request would come here",
                      STR_ARG(first->section->name), STR_ARG(name),
                      STR_ARG(address->text));
    }
}

/* Compares a listen key with what is known of its address. */
static void
verify_place(const struct verifier *v, struct address *address,
             const struct place *place)
{
    const struct place *first = address->first;
    const struct place *last = address->last;

    if (first == NULL)
        address->first = place;
    address->last = place;
    if (last != NULL && last->section == place->section) {
        refuse_taken(v, last, place);
        return;
    }
    if (goes_before(first, place) && (first->section->kind != SECTION_HTTP ||
                                      place->section->kind != SECTION_HTTP)) {
        refuse_taken(v, first, place);
        return;
    }
    if (place->section->kind != SECTION_HTTP)
        return;
    verify_default(v, address, place);
    verify_backlog(v, address, place);
    verify_same_header(v, address, place);
    if (place->section->http->server_name_count == 0)
        verify_nameless(v, address, place);
    else
        verify_names(v, address, place);
}

/* The address of this text; it is made where it is new. */
static struct address *
find_address(const struct verifier *v, struct addresses *all, struct str text)
{
    struct address *address = map_get(&all->by_text, text);

    if (address != NULL)
        return address;
    address = memory_alloc(v->doc->arena, sizeof(*address));
    address->text = text;
    address->older = all->newest;
    all->newest = address;
    (void)seen_add(&all->by_text, text, address);
    return address;
}

static void
verify_listens(const struct verifier *v)
{
    const struct config *config = v->config;
    struct addresses all = {.newest = NULL};

    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *section = &config->sections[i];

        for (size_t n = 0; n < section->listen_count; n++) {
            const struct listen_conf *listen = &section->listens[n];
            struct place *place = memory_alloc(v->doc->arena, sizeof(*place));

            *place = (struct place){section, listen};
            verify_place(v, find_address(v, &all, listen->address.text), place);
        }
    }
    for (struct address *a = all.newest; a != NULL; a = a->older)
        map_fini(&a->names);
    map_fini(&all.by_text);
}

/* --- [stats] -------------------------------------------------------------- */

/* "127.evil.example" is a name, which may mean anything. */
static bool
is_loopback(const struct address_conf *address)
{
    struct str host = address->host;
    bool numeric = str_starts_with(host, STR("127."));

    for (size_t i = 0; numeric && i < host.len; i++)
        numeric = host.p[i] == '.' || (host.p[i] >= '0' && host.p[i] <= '9');
    return numeric || str_equal(host, STR("::1")) ||
           str_equal(host, STR("localhost"));
}

/* What listens there as well as LISTEN, before it; NULL. */
static const struct listen_conf *
find_stats_listen(const struct config *config, const struct listen_conf *listen)
{
    for (size_t i = 0; i < config->stats_count; i++) {
        const struct stats_conf *stats = &config->stats[i];

        for (size_t n = 0; n < stats->listen_count; n++) {
            if (&stats->listens[n] == listen)
                return NULL;
            if (str_equal(stats->listens[n].address.text, listen->address.text))
                return &stats->listens[n];
        }
    }
    return NULL;
}

static const struct listen_conf *
find_listen(const struct config *config, const struct listen_conf *listen)
{
    struct str text = listen->address.text;

    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *section = &config->sections[i];

        for (size_t n = 0; n < section->listen_count; n++) {
            if (str_equal(section->listens[n].address.text, text))
                return &section->listens[n];
        }
    }
    return find_stats_listen(config, listen);
}

static void
verify_stats_listen(const struct verifier *v, const struct stats_conf *stats,
                    const struct listen_conf *listen)
{
    const struct listen_conf *other = find_listen(v->config, listen);

    if (other != NULL)
        faults_add_at(v->faults, listen->at,
                      "'" STR_FMT "' is taken at %s:%u: [stats] needs an "
                      "address of its own",
                      STR_ARG(listen->address.text), other->at.file,
                      other->at.line);
    if (listen->accept_proxy || listen->default_server || listen->tls.on)
        faults_add_at(v->faults, listen->at,
                      "listen: [stats] has no options but backlog");
    if (listen->address.is_unix)
        faults_add_at(v->faults, listen->at,
                      "listen: [stats] listens on HOST:PORT; for a Unix "
                      "socket there is `control`");
    if (stats->auth_count == 0 && !is_loopback(&listen->address))
        faults_add_at(v->faults, listen->at,
                      "without auth, [stats] listens on loopback only: write "
                      "auth = USER:PASSWORD, or listen = 127.0.0.1:PORT");
}

/* The first route of SECTION to STATS; NULL: there is none. */
static const struct route_conf *
find_stats_route(const struct section_conf *section,
                 const struct stats_conf *stats)
{
    const struct http_conf *http = section->http;

    for (size_t i = 0; http != NULL && i < http->route_count; i++) {
        if (http->routes[i].stats == stats)
            return &http->routes[i];
    }
    return NULL;
}

/* Whether a route leads there; without auth, only from this machine. */
static bool
verify_stats_routes(const struct verifier *v, const struct stats_conf *stats)
{
    bool found = false;

    for (size_t i = 0; i < v->config->section_count; i++) {
        const struct section_conf *section = &v->config->sections[i];
        const struct route_conf *route = find_stats_route(section, stats);
        bool local = true;

        for (size_t k = 0; k < section->listen_count; k++)
            local = local && is_loopback(&section->listens[k].address);
        found = found || route != NULL;
        if (route != NULL && stats->auth_count == 0 && !local)
            faults_add_at(v->faults, route->at,
                          "route: [stats " STR_FMT "] has no auth, and this "
                          "section listens on more than loopback: write auth = "
                          "USER:PASSWORD there",
                          STR_ARG(stats->name));
    }
    return found;
}

static void
verify_stats(const struct verifier *v)
{
    for (size_t i = 0; i < v->config->stats_count; i++) {
        const struct stats_conf *stats = &v->config->stats[i];

        if (!verify_stats_routes(v, stats) && stats->listen_count == 0)
            faults_add_at(v->faults, stats->at,
                          "[stats " STR_FMT "] listens nowhere: write listen, "
                          "or route = /PATH stats " STR_FMT " in [http]",
                          STR_ARG(stats->name), STR_ARG(stats->name));
        if (stats->admin && stats->auth_count == 0)
            faults_add_at(v->faults, stats->at,
                          "[stats " STR_FMT "]: admin = on needs auth, since "
                          "any page in a browser on this machine could send "
                          "its forms",
                          STR_ARG(stats->name));
        for (size_t k = 0; k < stats->listen_count; k++)
            verify_stats_listen(v, stats, &stats->listens[k]);
    }
}

/* COUNT things called WHAT, the first of which that is too many stands at AT.
 */
static void
refuse_count(const struct verifier *v, struct config_at at, size_t count,
             int most, const char *what)
{
    faults_add_at(v->faults, at, "%zu %s are more than %d", count, what, most);
}

/* The server with this number, all upstreams taken together. */
static const struct server_conf *
server_number(const struct config *config, size_t number)
{
    const struct upstream_conf *upstream = config->upstreams;

    for (; number >= upstream->server_count; upstream++)
        number -= upstream->server_count;
    return &upstream->servers[number];
}

static void
verify_script_count(const struct verifier *v)
{
    const struct config *config = v->config;
    struct config_at at = {.line = 0};
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *section = &config->sections[i];

        for (size_t n = 0; n < section->script_count; n++) {
            const struct script_conf *script = &section->scripts[n];

            if (seen_add(&seen, script->path, script) == NULL &&
                seen.count == CONFIG_SCRIPTS_MAX + 1)
                at = script->at;
        }
    }
    if (seen.count > CONFIG_SCRIPTS_MAX)
        refuse_count(v, at, seen.count, CONFIG_SCRIPTS_MAX,
                     "different scripts");
    map_fini(&seen);
}

static void
verify_counts(const struct verifier *v)
{
    const struct config *config = v->config;

    if (config->section_count == 0)
        faults_add(v->faults, config->file.p, 0,
                   "nothing to do: add a section [http NAME], [tcp NAME] or "
                   "[mysql NAME] with a listen key");
    if (config->section_count > CONFIG_SECTIONS_MAX)
        refuse_count(v, config->sections[CONFIG_SECTIONS_MAX].at,
                     config->section_count, CONFIG_SECTIONS_MAX,
                     "sections of http, tcp and mysql");
    if (config->upstream_count > CONFIG_UPSTREAMS_MAX)
        refuse_count(v, config->upstreams[CONFIG_UPSTREAMS_MAX].at,
                     config->upstream_count, CONFIG_UPSTREAMS_MAX, "upstreams");
    if (config->server_count > CONFIG_SERVERS_MAX)
        refuse_count(v, server_number(config, CONFIG_SERVERS_MAX)->at,
                     config->server_count, CONFIG_SERVERS_MAX,
                     "servers of all upstreams");
    verify_script_count(v);
    verify_script_trust(config, v->doc);
}

void
verify_config(const struct config *config, const struct document *doc)
{
    const struct verifier v = {config, doc, doc->faults};

    /* Of a file without a section only that much can be said. */
    if (config->section_count > 0 || doc->faults->count == 0)
        verify_counts(&v);
    for (size_t i = 0, next = 0; i < config->upstream_count; i++)
        verify_upstream(&v, &config->upstreams[i],
                        next_block(doc, &next, KEY_UPSTREAM));
    for (size_t i = 0, next = 0; i < config->section_count; i++)
        verify_section(&v, &config->sections[i],
                       next_block(doc, &next, KEY_HTTP | KEY_TCP | KEY_MYSQL));
    verify_listens(&v);
    verify_stats(&v);
    verify_health_warn(config, doc->faults);
    verify_visible_warn(config, doc->faults);
    verify_chroot(config, doc->faults);
    if (config->global.daemon)
        verify_daemon(config, doc->faults);
}
