/* SPDX-License-Identifier: MIT */
/*
 * Upstreams are built before the sections that name them, and an array is not
 * pointed into before it is complete.
 *
 *     [defaults] --.
 *     entry -------+--> apply --> parse_* --> member of a struct
 *     fallback ----'              by the key's type, place and offset
 */
#include "config/build.h"

#include <string.h>

#include "config/nearest.h"
#include "config/parse.h"
#include "config/value.h"

/* The structs that a section's keys go to; NULL where it has no such. */
struct target {
    struct global_conf *global;
    struct limits_conf *limits;
    struct upstream_conf *upstream;
    struct section_conf *section;
    struct http_conf *http;
    struct stats_conf *stats;
};

/* What may be there several times, while it is collected. */
struct lists {
    struct vec logs;        /* struct log_conf */
    struct vec servers;     /* struct server_conf */
    struct vec listens;     /* struct listen_conf */
    struct vec scripts;     /* struct script_conf */
    struct vec routes;      /* struct route_conf */
    struct vec params;      /* struct field_conf */
    struct vec headers;     /* struct field_conf */
    struct vec error_pages; /* struct error_page_conf */
    struct vec auths;       /* struct auth_conf */
};

struct builder {
    struct parse parse;
    const struct document *doc;
    const struct block *defaults; /* or NULL */
    struct target to;
    struct lists lists;
};

/* Where a plain value of KEY goes. */
static void *
place_of(const struct target *to, const struct key *key)
{
    char *base = NULL;

    switch (key->place) {
    case KEY_PLACE_NONE:
        return NULL;
    case KEY_PLACE_GLOBAL:
        base = (char *)to->global;
        break;
    case KEY_PLACE_LIMITS:
        base = (char *)to->limits;
        break;
    case KEY_PLACE_UPSTREAM:
        base = (char *)to->upstream;
        break;
    case KEY_PLACE_SECTION:
        base = (char *)to->section;
        break;
    case KEY_PLACE_HTTP:
        base = (char *)to->http;
        break;
    case KEY_PLACE_STATS:
        base = (char *)to->stats;
        break;
    }
    return base + key->offset;
}

/* Stores a number in a member of KEY's size. */
static void
store(const struct target *to, const struct key *key, uint64_t n)
{
    void *place = place_of(to, key);
    uint8_t byte = (uint8_t)n;
    uint32_t word = (uint32_t)n;

    if (place == NULL)
        return;
    if (key->size == sizeof(byte))
        memcpy(place, &byte, sizeof(byte));
    else if (key->size == sizeof(word))
        memcpy(place, &word, sizeof(word));
    else
        memcpy(place, &n, sizeof(n));
}

static void
store_text(const struct target *to, const struct key *key, struct str text)
{
    memcpy(place_of(to, key), &text, sizeof(text));
}

/* A key of a later version: only what means "without it" passes. */
static void
apply_later(const struct builder *b, const struct entry *entry, struct str text)
{
    const struct key *key = entry->key;

    if (key->words != NULL && value_find_word(key->words, text) >= 0)
        return;
    if (key->fallback != NULL)
        parse_refuse(&b->parse, entry,
                     "not supported in this version: leave it out, or "
                     "write %s = %s",
                     key->name, key->fallback);
    else
        parse_refuse(&b->parse, entry,
                     "not supported in this version: leave it out");
}

static void
apply_bool(struct builder *b, const struct entry *entry, struct str text)
{
    char why[VALUE_WHY_MAX];
    bool on;

    if (value_bool(&on, text, why, sizeof(why)) != 0)
        parse_refuse(&b->parse, entry, "%s", why);
    else
        store(&b->to, entry->key, on);
    if (str_equal(str_from(entry->key->name), STR("daemon")))
        b->to.global->daemon_at = entry->at;
}

static void
apply_quantity(struct builder *b, const struct entry *entry, struct str text)
{
    uint64_t n;

    if (parse_quantity(&b->parse, entry, entry->key, text, &n) == 0)
        store(&b->to, entry->key, n);
}

static void
apply_choice(struct builder *b, const struct entry *entry, struct str text)
{
    int place = parse_choice(&b->parse, entry, text, entry->key->words,
                             entry->key->later);

    if (place >= 0)
        store(&b->to, entry->key, (uint64_t)place);
}

/* A single word; only `user` and `group` have it, and note their line. */
static void
apply_name(struct builder *b, const struct entry *entry, struct str text)
{
    struct global_conf *global = b->to.global;

    if (!value_is_name(text)) {
        parse_refuse(&b->parse, entry, "'" STR_FMT "' is not a name",
                     STR_ARG(text));
        return;
    }
    store_text(&b->to, entry->key, text);
    if (str_equal(str_from(entry->key->name), STR("user")))
        global->user_at = entry->at;
    else if (str_equal(str_from(entry->key->name), STR("group")))
        global->group_at = entry->at;
    else
        global->control_group_at = entry->at;
}

/* Only `script_trust` has it, and notes its line. */
static void
apply_scripts(struct builder *b, const struct entry *entry, struct str text)
{
    struct global_conf *global = b->to.global;
    struct vec names = {.count = 0};
    struct str word;

    while (value_next_word(b->parse.arena, &text, &word))
        *(struct str *)vec_add(&names, b->parse.arena, sizeof(word)) =
            parse_script_path(&b->parse, word);
    global->script_trust = names.items;
    global->script_trust_count = names.count;
    global->script_trust_at = entry->at;
}

static void
apply_path(struct builder *b, const struct entry *entry, struct str text)
{
    const struct key *key = entry->key;

    if (key->words != NULL && value_find_word(key->words, text) >= 0)
        return;
    store_text(&b->to, key, parse_path(&b->parse, text));
    if (str_equal(str_from(key->name), STR("chroot")))
        b->to.global->chroot_at = entry->at;
    else if (str_equal(str_from(key->name), STR("temp_dir")))
        b->to.global->temp_dir_at = entry->at;
}

/* An applier for what may be there several times: it adds an item to a list,
 * and takes it back when it was at fault. */
#define APPLY_ITEM(list, type, parser)                                      \
    static void apply_##list(struct builder *b, const struct entry *entry,  \
                             struct str text)                               \
    {                                                                       \
        struct vec *vec = &b->lists.list;                                   \
                                                                            \
        if (parser(&b->parse, entry, text,                                  \
                   vec_add(vec, b->parse.arena, sizeof(struct type))) != 0) \
            vec->count--;                                                   \
    }

APPLY_ITEM(logs, log_conf, parse_log)
APPLY_ITEM(servers, server_conf, parse_server)
APPLY_ITEM(listens, listen_conf, parse_listen)
APPLY_ITEM(routes, route_conf, parse_route)
APPLY_ITEM(params, field_conf, parse_field)
APPLY_ITEM(headers, field_conf, parse_field)
APPLY_ITEM(error_pages, error_page_conf, parse_error_page)
APPLY_ITEM(auths, auth_conf, parse_auth)

/* An applier for what is parsed into one member: parsers set nothing when
 * there was a fault, so there is nothing to undo. */
#define APPLY_MEMBER(name, parser, to)                                     \
    static void apply_##name(struct builder *b, const struct entry *entry, \
                             struct str text)                              \
    {                                                                      \
        int ignored = parser(&b->parse, entry, text, to);                  \
                                                                           \
        (void)ignored;                                                     \
    }

APPLY_MEMBER(policy, parse_policy, b->to.upstream)
APPLY_MEMBER(check, parse_check, &b->to.upstream->check)
APPLY_MEMBER(observe, parse_observe, &b->to.upstream->observe)
APPLY_MEMBER(access_log, parse_access_log, b->to.section)
APPLY_MEMBER(sample, parse_sample, &b->to.section->log_sample)
APPLY_MEMBER(retry_on, parse_retry_on, place_of(&b->to, entry->key))
APPLY_MEMBER(index, parse_index, b->to.http)
APPLY_MEMBER(server_names, parse_server_names, b->to.http)
APPLY_MEMBER(trust, parse_trust, b->to.section)
APPLY_MEMBER(uri, parse_uri, place_of(&b->to, entry->key))
APPLY_MEMBER(text, parse_text, place_of(&b->to, entry->key))
APPLY_MEMBER(auth_file, parse_auth_file, &b->lists.auths)

static void
apply_root(struct builder *b, const struct entry *entry, struct str text)
{
    struct http_conf *http = b->to.http;

    if (parse_root(&b->parse, entry, text, &http->root) == 0)
        http->root_at = entry->at;
}

static void
apply_script(struct builder *b, const struct entry *entry, struct str text)
{
    struct script_conf *script =
        vec_add(&b->lists.scripts, b->parse.arena, sizeof(*script));

    script->path = parse_script_path(&b->parse, text);
    script->at = entry->at;
}

static void
apply_upstream_of(struct builder *b, const struct entry *entry, struct str text)
{
    const struct upstream_conf *upstream = parse_find_upstream(&b->parse, text);
    char hint[64];

    if (upstream == NULL)
        parse_refuse(&b->parse, entry, "there is no [upstream " STR_FMT "]%s",
                     STR_ARG(text),
                     parse_hint_upstream(&b->parse, text, hint, sizeof(hint)));
    else if (upstream->protocol == PROTOCOL_FASTCGI)
        parse_refuse(&b->parse, entry,
                     "[upstream " STR_FMT "] speaks fastcgi, which is for "
                     "[http]: set its protocol to %s",
                     STR_ARG(text), section_kind_name(b->to.section->kind));
    else
        b->to.section->upstream = upstream;
}

static void
apply_log_to(struct builder *b, const struct entry *entry, struct str text)
{
    struct log_conf *log = memory_alloc(b->parse.arena, sizeof(*log));

    if (parse_log(&b->parse, entry, text, log) == 0)
        b->to.section->log_to = log;
}

typedef void (*apply_fn)(struct builder *b, const struct entry *entry,
                         struct str text);

static const apply_fn APPLIERS[] = {
    [KEY_BOOL] = apply_bool,
    [KEY_DURATION] = apply_quantity,
    [KEY_SIZE] = apply_quantity,
    [KEY_NUMBER] = apply_quantity,
    [KEY_RATE] = apply_quantity,
    [KEY_CHOICE] = apply_choice,
    [KEY_NAME] = apply_name,
    [KEY_PATH] = apply_path,
    [KEY_ROOT] = apply_root,
    [KEY_INDEX] = apply_index,
    [KEY_INCLUDE] = NULL, /* the document is complete */
    [KEY_LOG] = apply_logs,
    [KEY_LOG_TO] = apply_log_to,
    [KEY_RETRY_ON] = apply_retry_on,
    [KEY_POLICY] = apply_policy,
    [KEY_CHECK] = apply_check,
    [KEY_OBSERVE] = apply_observe,
    [KEY_SERVER] = apply_servers,
    [KEY_LISTEN] = apply_listens,
    [KEY_UPSTREAM_OF] = apply_upstream_of,
    [KEY_SCRIPT] = apply_script,
    [KEY_SCRIPTS] = apply_scripts,
    [KEY_SERVER_NAME] = apply_server_names,
    [KEY_ROUTE] = apply_routes,
    [KEY_PARAM] = apply_params,
    [KEY_HEADER] = apply_headers,
    [KEY_TRUST] = apply_trust,
    [KEY_ACCESS_LOG] = apply_access_log,
    [KEY_SAMPLE] = apply_sample,
    [KEY_ERROR_PAGE] = apply_error_pages,
    [KEY_URI] = apply_uri,
    [KEY_TEXT] = apply_text,
    [KEY_AUTH] = apply_auths,
    [KEY_AUTH_FILE] = apply_auth_file,
};

/* Sets the entry's key from its value. */
static void
apply(struct builder *b, const struct entry *entry)
{
    struct str text = value_unquote(b->parse.arena, entry->value);

    if (entry->broken)
        return;
    if (text.len == 0) {
        parse_refuse(&b->parse, entry, "the value is missing");
        return;
    }
    if (!entry->key->supported) {
        apply_later(b, entry, text);
        return;
    }
    if (APPLIERS[entry->key->type] != NULL)
        APPLIERS[entry->key->type](b, entry, text);
}

/* Sets KEY, which BLOCK does not have, from its fallback. */
static void
apply_fallback(struct builder *b, const struct block *block,
               const struct key *key)
{
    bool stream = block->kind == KEY_TCP || block->kind == KEY_MYSQL ||
                  (block->kind == KEY_UPSTREAM &&
                   b->to.upstream->protocol != PROTOCOL_FASTCGI);
    const char *text = stream && key->stream_fallback != NULL
                           ? key->stream_fallback
                           : key->fallback;
    struct entry entry = {.key = key, .value = str_from(text), .at = block->at};

    if (text != NULL && key->supported)
        apply(b, &entry);
}

/* Sets KEY from [defaults]; false when it is not written there. What is wrong
 * there was said when [defaults] was read by itself. */
static bool
apply_default(struct builder *b, const struct key *key)
{
    const struct entry *entry = block_find(b->defaults, key);
    struct faults *faults = b->parse.faults;
    struct faults said;

    if (entry == NULL || !key->supported)
        return false;
    faults_init(&said);
    b->parse.faults = &said;
    apply(b, entry);
    b->parse.faults = faults;
    faults_fini(&said);
    return true;
}

/* Sets every key of BLOCK's kind. */
static void
apply_block(struct builder *b, const struct block *block)
{
    const struct entry *entries = block->entries.items;
    size_t count;
    const struct key *keys = keys_all(&count);

    for (size_t i = 0; i < block->entries.count; i++) {
        apply(b, &entries[i]);
        if (b->to.limits != NULL)
            b->to.limits->given |= entries[i].key->given;
    }
    for (size_t i = 0; i < count; i++) {
        if ((keys[i].sections & block->kind) == 0 ||
            block_find(block, &keys[i]) != NULL)
            continue;
        if (block->kind == KEY_GLOBAL || block->kind == KEY_DEFAULTS ||
            !apply_default(b, &keys[i]))
            apply_fallback(b, block, &keys[i]);
    }
}

/* Notes where the key stands, at fault or not. */
static void
note_script_path(struct builder *b, const struct block *block)
{
    const struct entry *entry =
        block_find(block, keys_find(KEY_GLOBAL, STR("script_path")));

    if (entry != NULL)
        b->to.global->script_path_at = entry->at;
}

/* [global], or what holds without one. */
static void
build_global(struct builder *b, struct config *out)
{
    const struct block none = {.kind = KEY_GLOBAL,
                               .at = {.file = out->file.p, .line = 1}};
    const struct block *blocks = b->doc->blocks.items;
    bool found = false;

    b->to = (struct target){.global = &out->global};
    memset(&b->lists, 0, sizeof(b->lists));
    for (size_t i = 0; i < b->doc->blocks.count; i++) {
        if (blocks[i].kind != KEY_GLOBAL)
            continue;
        apply_block(b, &blocks[i]);
        note_script_path(b, &blocks[i]);
        found = true;
    }
    if (!found)
        apply_block(b, &none);
    out->global.logs = b->lists.logs.items;
    out->global.log_count = b->lists.logs.count;
}

/* Reads [defaults] by itself, for its faults. */
static void
check_defaults(struct builder *b)
{
    const struct block *blocks = b->doc->blocks.items;
    struct limits_conf limits;

    b->to = (struct target){.limits = &limits};
    for (size_t i = 0; i < b->doc->blocks.count; i++)
        if (blocks[i].kind == KEY_DEFAULTS)
            apply_block(b, &blocks[i]);
    b->to = (struct target){.limits = NULL};
}

/* The protocol decides which fallbacks hold, so it comes first. */
static void
build_protocol(struct builder *b, const struct block *block)
{
    const struct key *key = keys_find(KEY_UPSTREAM, STR("protocol"));
    const struct entry *entry = block_find(block, key);
    int place = entry == NULL
                    ? -1
                    : value_find_word(key->words, value_unquote(b->parse.arena,
                                                                entry->value));

    b->to.upstream->protocol =
        place < 0 ? PROTOCOL_FASTCGI : (enum protocol)place;
}

static void
build_upstream(struct builder *b, const struct block *block)
{
    struct vec *upstreams = &b->parse.upstreams;
    struct upstream_conf *upstream =
        vec_add(upstreams, b->parse.arena, sizeof(*upstream));

    upstream->name = block->name;
    upstream->at = block->at;
    upstream->index = (unsigned)upstreams->count - 1;
    b->to = (struct target){.upstream = upstream, .limits = &upstream->limits};
    memset(&b->lists, 0, sizeof(b->lists));
    build_protocol(b, block);
    apply_block(b, block);
    upstream->servers = b->lists.servers.items;
    upstream->server_count = b->lists.servers.count;
}

static enum section_kind
section_kind_of(enum key_section kind)
{
    if (kind == KEY_TCP)
        return SECTION_TCP;
    return kind == KEY_MYSQL ? SECTION_MYSQL : SECTION_HTTP;
}

/* What routes inherit, and what 0 stands for. */
static void
finish_http(struct http_conf *http, struct lists *lists)
{
    struct route_conf *routes = lists->routes.items;

    if (http->max_body_bytes == 0)
        http->max_body_bytes = UINT64_MAX;
    for (size_t i = 0; i < lists->routes.count; i++)
        if (routes[i].max_body_bytes == 0)
            routes[i].max_body_bytes = http->max_body_bytes;
    http->routes = routes;
    http->route_count = lists->routes.count;
    http->params = lists->params.items;
    http->param_count = lists->params.count;
    http->headers = lists->headers.items;
    http->header_count = lists->headers.count;
    http->error_pages = lists->error_pages.items;
    http->error_page_count = lists->error_pages.count;
}

static void
build_section(struct builder *b, const struct block *block,
              struct vec *sections)
{
    struct section_conf *section =
        vec_add(sections, b->parse.arena, sizeof(*section));
    struct http_conf *http = NULL;

    section->kind = section_kind_of(block->kind);
    section->name = block->name;
    section->at = block->at;
    section->index = (unsigned)sections->count - 1;
    if (section->kind == SECTION_HTTP)
        http = memory_alloc(b->parse.arena, sizeof(*http));
    b->to = (struct target){
        .section = section, .limits = &section->limits, .http = http};
    memset(&b->lists, 0, sizeof(b->lists));
    apply_block(b, block);
    if (http != NULL)
        finish_http(http, &b->lists);
    section->http = http;
    section->listens = b->lists.listens.items;
    section->listen_count = b->lists.listens.count;
    section->scripts = b->lists.scripts.items;
    section->script_count = b->lists.scripts.count;
}

static void
build_stats(struct builder *b, const struct block *block, struct vec *all)
{
    struct stats_conf *stats = vec_add(all, b->parse.arena, sizeof(*stats));

    stats->name = block->name;
    stats->at = block->at;
    b->to = (struct target){.stats = stats};
    memset(&b->lists, 0, sizeof(b->lists));
    apply_block(b, block);
    stats->listens = b->lists.listens.items;
    stats->listen_count = b->lists.listens.count;
    stats->auths = b->lists.auths.items;
    stats->auth_count = b->lists.auths.count;
}

void
build_config(struct config *out, const struct document *doc,
             struct sources *sources)
{
    const struct block *blocks = doc->blocks.items;
    struct vec sections = {.count = 0};
    struct builder b = {
        .parse = {.arena = doc->arena,
                  .faults = doc->faults,
                  .folder = out->folder,
                  .sources = sources},
        .doc = doc,
        .defaults = document_find(doc, KEY_DEFAULTS),
    };

    build_global(&b, out);
    check_defaults(&b);
    for (size_t i = 0; i < doc->blocks.count; i++)
        if (blocks[i].kind == KEY_UPSTREAM)
            build_upstream(&b, &blocks[i]);
    for (size_t i = 0; i < doc->blocks.count; i++)
        if (blocks[i].kind == KEY_STATS)
            build_stats(&b, &blocks[i], &b.parse.stats);
    for (size_t i = 0; i < doc->blocks.count; i++)
        if ((blocks[i].kind & (KEY_HTTP | KEY_TCP | KEY_MYSQL)) != 0)
            build_section(&b, &blocks[i], &sections);
    out->stats = b.parse.stats.items;
    out->stats_count = b.parse.stats.count;
    out->upstreams = b.parse.upstreams.items;
    out->upstream_count = b.parse.upstreams.count;
    for (size_t i = 0; i < out->upstream_count; i++)
        out->server_count += out->upstreams[i].server_count;
    out->sections = sections.items;
    out->section_count = sections.count;
}
