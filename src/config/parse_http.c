/* SPDX-License-Identifier: MIT */
/* What only [http] has: names, roots, routes, fields, error pages. */
#include <ctype.h>
#include <string.h>

#include "base/regex.h"
#include "config/parse.h"
#include "config/value.h"

/* What a route takes before its target, in the order of the key's words. */
enum route_option {
    ROUTE_OPTION_ROOT,
    ROUTE_OPTION_ALIAS,
    ROUTE_OPTION_MAX_BODY,
    ROUTE_OPTION_SERVER_TIMEOUT,
};

/* In the order of enum route_kind, without the plain prefix. */
static const char ROUTE_MARKS[] = "= ^~ ~ ~*";

static const enum route_kind KIND_OF[] = {ROUTE_EXACT, ROUTE_PREFIX_STRONG,
                                          ROUTE_REGEX, ROUTE_REGEX_NOCASE};

/* Targets that are not an upstream, in the order of enum route_target. */
static const char ROUTE_TARGETS[] = "static internal deny redirect";

static const char REDIRECT_CODES[] = "301 302 303 307 308";

/* Headers that frame a message belong to whoever sends it. */
static const char FRAMING[] = "connection content-length transfer-encoding "
                              "keep-alive upgrade trailer te date";

/* The same text in lower case. */
static struct str
lower(const struct parse *p, struct str text)
{
    char *copy = memory_alloc(p->arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)tolower((unsigned char)text.p[i]);
    return str_make(copy, text.len);
}

int
parse_root(const struct parse *p, const struct entry *entry, struct str text,
           const struct template **out)
{
    const struct template *root;

    if (!str_starts_with(text, STR("${")))
        text = parse_path(p, text);
    if (parse_template(p, entry, text, TEMPLATE_REQUEST, true, &root) != 0)
        return -1;
    for (size_t i = 0; i < root->piece_count; i++) {
        if (root->pieces[i].variable != TEMPLATE_VAR_DOCUMENT_ROOT)
            continue;
        parse_refuse(p, entry, "${document_root} cannot define itself");
        return -1;
    }
    *out = root;
    return 0;
}

/* "*.example.com" without its star and dot, other names as they are. */
static struct str
without_star(struct str name)
{
    return str_starts_with(name, STR("*.")) ? str_slice(name, 2, name.len)
                                            : name;
}

static bool
is_server_name(struct str name)
{
    struct str rest = without_star(name);

    if (rest.len == 0 || rest.len > 253)
        return false;
    for (size_t i = 0; i < rest.len; i++)
        if (!isalnum((unsigned char)rest.p[i]) &&
            strchr("._-:[]", rest.p[i]) == NULL)
            return false;
    return rest.p[0] != '.';
}

/* Adds the names in TEXT to NAMES, each once. */
static int
collect_names(const struct parse *p, const struct entry *entry, struct str text,
              struct vec *names, struct map *seen)
{
    struct str word;

    while (value_next_word(p->arena, &text, &word)) {
        struct str name = lower(p, word);

        if (!is_server_name(name)) {
            parse_refuse(p, entry,
                         "'" STR_FMT "' is not a host: write a name, or *.NAME "
                         "for all below it (default_server behind listen takes "
                         "the rest)",
                         STR_ARG(word));
            return -1;
        }
        if (seen_add(seen, name, name.p) != NULL) {
            parse_refuse(p, entry, "'" STR_FMT "' is there twice",
                         STR_ARG(name));
            return -1;
        }
        *(struct str *)vec_add(names, p->arena, sizeof(name)) = name;
    }
    return 0;
}

int
parse_server_names(const struct parse *p, const struct entry *entry,
                   struct str text, struct http_conf *out)
{
    struct vec names = {.count = 0};
    struct map seen;
    int result;

    map_init(&seen);
    result = collect_names(p, entry, text, &names, &seen);
    map_fini(&seen);
    if (result != 0)
        return -1;
    out->server_names = names.items;
    out->server_name_count = names.count;
    return 0;
}

int
parse_index(const struct parse *p, const struct entry *entry, struct str text,
            struct http_conf *out)
{
    struct vec files = {.count = 0};
    struct str word;

    while (value_next_word(p->arena, &text, &word)) {
        if (word.len == 0 || str_find_char(word, '/', 0) >= 0) {
            parse_refuse(p, entry,
                         "'" STR_FMT "' is not the name of a file in a folder",
                         STR_ARG(word));
            return -1;
        }
        *(struct str *)vec_add(&files, p->arena, sizeof(word)) = word;
    }
    out->index = files.items;
    out->index_count = files.count;
    return 0;
}

static int
check_pattern(const struct parse *p, const struct entry *entry,
              const struct route_conf *route)
{
    bool nocase = route->kind == ROUTE_REGEX_NOCASE;
    struct regex *regex;
    char why[VALUE_WHY_MAX];

    if (route->kind != ROUTE_REGEX && !nocase) {
        if (route->pattern.p[0] == '/')
            return 0;
        parse_refuse(p, entry,
                     "'" STR_FMT "' does not begin with '/': write a path, or "
                     "'~' and a blank before a regular expression",
                     STR_ARG(route->pattern));
        return -1;
    }
    regex = regex_new(route->pattern.p, nocase ? REGEX_NOCASE : 0, why,
                      sizeof(why));
    if (regex == NULL) {
        parse_refuse(p, entry, "'" STR_FMT "' is no regular expression: %s",
                     STR_ARG(route->pattern), why);
        return -1;
    }
    regex_free(regex);
    return 0;
}

/* Reads the mark, if there is one, and the pattern. */
static int
parse_pattern(const struct parse *p, const struct entry *entry,
              struct str *text, struct route_conf *route)
{
    struct str word = STR("");
    int mark;

    (void)value_next_word(p->arena, text, &word);
    mark = value_find_word(ROUTE_MARKS, word);
    route->kind = mark < 0 ? ROUTE_PREFIX : KIND_OF[mark];
    if (mark >= 0 && !value_next_word(p->arena, text, &word)) {
        parse_refuse(p, entry, "nothing follows the '" STR_FMT "'",
                     STR_ARG(word));
        return -1;
    }
    route->pattern = word;
    return check_pattern(p, entry, route);
}

static int
set_route_option(const struct parse *p, const struct entry *entry,
                 enum route_option which, struct str value,
                 struct route_conf *route)
{
    const struct key *timeout = keys_find(KEY_HTTP, STR("server_timeout"));
    const struct key *body = keys_find(KEY_HTTP, STR("max_body"));
    uint64_t n;

    switch (which) {
    case ROUTE_OPTION_ROOT:
        return parse_root(p, entry, value, &route->root);
    case ROUTE_OPTION_ALIAS:
        if (route->kind == ROUTE_REGEX || route->kind == ROUTE_REGEX_NOCASE) {
            parse_refuse(p, entry,
                         "alias= stands for a path, not for a "
                         "regular expression: write root=");
            return -1;
        }
        return parse_root(p, entry, value, &route->alias);
    case ROUTE_OPTION_MAX_BODY:
        if (parse_quantity(p, entry, body, value, &n) != 0)
            return -1;
        route->max_body_bytes = n == 0 ? UINT64_MAX : n;
        return 0;
    case ROUTE_OPTION_SERVER_TIMEOUT:
        if (parse_quantity(p, entry, timeout, value, &n) != 0)
            return -1;
        route->server_timeout_ms = (uint32_t)n;
        return 0;
    }
    return -1;
}

/* Reads NAME=VALUE words; *WORD is then the first of the target. */
static int
parse_route_options(const struct parse *p, const struct entry *entry,
                    struct str *text, struct str *word,
                    struct route_conf *route)
{
    struct option_conf option;
    unsigned seen = 0;

    while (value_next_word(p->arena, text, word)) {
        int place;

        if (str_find_char(*word, '=', 0) < 0 ||
            str_find_char(*word, ' ', 0) >= 0)
            return 0;
        place = parse_option(p, entry, *word, &option);
        if (place < 0)
            return -1;
        if (option.value.len == 0 || (seen & 1U << place) != 0) {
            parse_refuse(p, entry, "'%s=' %s", option.name.p,
                         option.value.len == 0 ? "has no value"
                                               : "is there twice");
            return -1;
        }
        seen |= 1U << place;
        if (set_route_option(p, entry, (enum route_option)place, option.value,
                             route) != 0)
            return -1;
    }
    parse_refuse(p, entry,
                 "the target is missing: the last word is an upstream, "
                 "static, internal, deny, stats NAME, or redirect CODE URL");
    return -1;
}

/* "CODE URL" behind "redirect". */
static int
parse_redirect(const struct parse *p, const struct entry *entry,
               struct str *text, struct route_conf *route)
{
    struct str code = STR("");
    struct str url = STR("");
    uint64_t n;

    (void)value_next_word(p->arena, text, &code);
    (void)value_next_word(p->arena, text, &url);
    if (value_find_word(REDIRECT_CODES, code) < 0 || url.len == 0 ||
        str_to_uint(&n, code, 999) != 0) {
        parse_refuse(p, entry,
                     "write redirect CODE URL, with one of the codes "
                     "%s",
                     REDIRECT_CODES);
        return -1;
    }
    route->redirect_code = (unsigned)n;
    return parse_template(p, entry, url, TEMPLATE_REQUEST, true,
                          &route->redirect_url);
}

static int
set_route_upstream(const struct parse *p, const struct entry *entry,
                   struct str name, struct route_conf *route)
{
    char hint[64];

    route->target = ROUTE_TO_UPSTREAM;
    route->upstream = parse_find_upstream(p, name);
    if (route->upstream == NULL) {
        parse_refuse(p, entry,
                     "there is no [upstream " STR_FMT "]%s (the last word is "
                     "an upstream, static, internal, deny, stats NAME, or "
                     "redirect CODE URL)",
                     STR_ARG(name),
                     parse_hint_upstream(p, name, hint, sizeof(hint)));
        return -1;
    }
    if (route->upstream->protocol != PROTOCOL_FASTCGI) {
        parse_refuse(p, entry,
                     "[upstream " STR_FMT "] does not speak fastcgi, and "
                     "[http] speaks nothing else: set its protocol, or route "
                     "to another",
                     STR_ARG(name));
        return -1;
    }
    return 0;
}

/* Reads the target, whose first word is WORD. */
static int
parse_target(const struct parse *p, const struct entry *entry, struct str word,
             struct str *text, struct route_conf *route)
{
    struct str rest = word;
    struct str extra;
    int place;

    if (str_starts_with(word, STR("redirect "))) {
        *text = memory_printf(p->arena, STR_FMT STR_FMT, STR_ARG(rest),
                              STR_ARG(*text));
        (void)value_next_word(p->arena, text, &word);
    }
    place = value_find_word(ROUTE_TARGETS, word);
    if (str_equal(word, STR("stats")) &&
        value_next_word(p->arena, text, &extra)) {
        if (parse_route_stats(p, entry, extra, route) != 0)
            return -1;
    } else if (place < 0) {
        if (set_route_upstream(p, entry, word, route) != 0)
            return -1;
    } else {
        route->target = (enum route_target)(ROUTE_TO_STATIC + place);
        if (route->target == ROUTE_TO_REDIRECT &&
            parse_redirect(p, entry, text, route) != 0)
            return -1;
    }
    if (!value_next_word(p->arena, text, &extra))
        return 0;
    parse_refuse(p, entry,
                 "'" STR_FMT "' follows the target '" STR_FMT
                 "': options stand before it, and a pattern with "
                 "blanks stands in double quotes",
                 STR_ARG(extra), STR_ARG(word));
    return -1;
}

int
parse_route(const struct parse *p, const struct entry *entry, struct str text,
            struct route_conf *out)
{
    struct route_conf route = {.at = entry->at};
    struct str word = STR("");

    if (parse_pattern(p, entry, &text, &route) != 0 ||
        parse_route_options(p, entry, &text, &word, &route) != 0 ||
        parse_target(p, entry, word, &text, &route) != 0)
        return -1;
    if (route.root != NULL && route.alias != NULL) {
        parse_refuse(p, entry, "root= and alias= exclude each other");
        return -1;
    }
    *out = route;
    return 0;
}

/* Is it a name that this kind of field can have? */
static int
check_field_name(const struct parse *p, const struct entry *entry,
                 struct str name)
{
    bool param = entry->key->type == KEY_PARAM;
    const char *allowed = param ? "_" : "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name.len; i++) {
        if (isalnum((unsigned char)name.p[i]) ||
            strchr(allowed, name.p[i]) != NULL)
            continue;
        parse_refuse(p, entry, "'" STR_FMT "' is not the name of a %s",
                     STR_ARG(name), param ? "parameter" : "header");
        return -1;
    }
    if (param || value_find_word(FRAMING, lower(p, name)) < 0)
        return 0;
    parse_refuse(p, entry, "'" STR_FMT "' is set by the program itself",
                 STR_ARG(name));
    return -1;
}

int
parse_field(const struct parse *p, const struct entry *entry, struct str text,
            struct field_conf *out)
{
    bool param = entry->key->type == KEY_PARAM;
    struct field_conf field = {.at = entry->at};
    struct str value;

    (void)value_next_word(p->arena, &text, &field.name);
    value = value_unquote(p->arena, str_trim(text));
    if (field.name.len == 0 || str_trim(text).len == 0) {
        parse_refuse(p, entry, "write a name and a value, parted by a blank");
        return -1;
    }
    if (check_field_name(p, entry, field.name) != 0 ||
        parse_template(p, entry, value,
                       param ? TEMPLATE_SERVER : TEMPLATE_RESPONSE, true,
                       &field.value) != 0)
        return -1;
    *out = field;
    return 0;
}

int
parse_error_page(const struct parse *p, const struct entry *entry,
                 struct str text, struct error_page_conf *out)
{
    struct vec statuses = {.count = 0};
    struct str word = STR("");
    uint64_t n;

    while (value_next_word(p->arena, &text, &word)) {
        if (str_trim(text).len == 0)
            break;
        if (str_to_uint(&n, word, 599) != 0 || n < 400) {
            parse_refuse(p, entry,
                         "'" STR_FMT "' is not the status of an error: a "
                         "number from 400 to 599",
                         STR_ARG(word));
            return -1;
        }
        *(unsigned *)vec_add(&statuses, p->arena, sizeof(unsigned)) =
            (unsigned)n;
    }
    if (statuses.count == 0 || word.len == 0 || word.p[0] != '/') {
        parse_refuse(p, entry,
                     "write the statuses and then a path, such as "
                     "502 503 /50x.html");
        return -1;
    }
    *out = (struct error_page_conf){
        .statuses = statuses.items,
        .status_count = statuses.count,
        .uri = word,
        .at = entry->at,
    };
    return 0;
}
