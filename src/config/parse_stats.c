/* SPDX-License-Identifier: MIT */
/* What [stats] has alone: where the page is, and who may see it. */
#include <errno.h>
#include <string.h>

#include "config/nearest.h"
#include "config/parse.h"
#include "config/sources.h"
#include "config/value.h"

enum {
    AUTH_FILE_MAX = 1 << 20, /* bytes */
};

int
parse_uri(const struct parse *p, const struct entry *entry, struct str text,
          struct str *out)
{
    bool plain = text.len > 0 && text.p[0] == '/';

    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];

        plain = plain && c > ' ' && c < 0x7f && strchr("?#;%\"<>", c) == NULL;
    }
    if (!plain) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' is no path: it begins with / and has none "
                     "of ? # ; %% and quotes",
                     STR_ARG(text));
        return -1;
    }
    *out = text;
    return 0;
}

int
parse_text(const struct parse *p, const struct entry *entry, struct str text,
           struct str *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] < ' ' || strchr("\"\\", text.p[i])) {
            parse_refuse(p, entry, "write it without quotes and backslashes");
            return -1;
        }
    }
    *out = text;
    return 0;
}

/* The text may be a secret, so that faults do not show it. */
int
parse_auth(const struct parse *p, const struct entry *entry, struct str text,
           struct auth_conf *out)
{
    ptrdiff_t colon = str_find_char(text, ':', 0);

    if (colon <= 0 || (size_t)colon + 1 == text.len) {
        parse_refuse(p, entry,
                     "write USER:PASSWORD, or USER:HASH as htpasswd "
                     "makes it");
        return -1;
    }
    *out = (struct auth_conf){
        .user = memory_str(p->arena, str_slice(text, 0, (size_t)colon)),
        .secret =
            memory_str(p->arena, str_slice(text, (size_t)colon + 1, text.len)),
    };
    return 0;
}

static void
add_line(const struct parse *p, const struct entry *entry, struct str line,
         struct vec *out)
{
    struct auth_conf auth;

    line = str_trim(line);
    if (line.len > 0 && line.p[0] != '#' &&
        parse_auth(p, entry, line, &auth) == 0)
        *(struct auth_conf *)vec_add(out, p->arena, sizeof(auth)) = auth;
}

int
parse_auth_file(const struct parse *p, const struct entry *entry,
                struct str text, struct vec *out)
{
    struct str path = parse_path(p, text);
    struct str file;

    if (sources_file(p->sources, &file, path.p, AUTH_FILE_MAX) < 0) {
        parse_refuse(p, entry, "cannot read " STR_FMT ": %s", STR_ARG(path),
                     strerror(errno));
        return -1;
    }
    for (size_t from = 0; from < file.len;) {
        ptrdiff_t end = str_find_char(file, '\n', from);
        size_t to = end < 0 ? file.len : (size_t)end;

        add_line(p, entry, str_slice(file, from, to), out);
        from = to + 1;
    }
    return 0;
}

static const struct stats_conf *
find_stats(const struct parse *p, struct str name)
{
    const struct stats_conf *stats = p->stats.items;

    for (size_t i = 0; i < p->stats.count; i++) {
        if (str_equal(stats[i].name, name))
            return &stats[i];
    }
    return NULL;
}

static int
refuse_name(const struct parse *p, const struct entry *entry, struct str name)
{
    const struct stats_conf *stats = p->stats.items;
    struct nearest nearest;
    char hint[64];

    nearest_init(&nearest, name);
    for (size_t i = 0; i < p->stats.count; i++)
        nearest_offer(&nearest, stats[i].name);
    parse_refuse(p, entry, "there is no [stats " STR_FMT "]%s", STR_ARG(name),
                 nearest_hint(&nearest, hint, sizeof(hint)));
    return -1;
}

/* The page is at the path, and CSV, JSON and metrics are below it. */
int
parse_route_stats(const struct parse *p, const struct entry *entry,
                  struct str name, struct route_conf *route)
{
    struct str pattern = route->pattern;

    route->target = ROUTE_TO_STATS;
    route->stats = find_stats(p, name);
    if (route->stats == NULL)
        return refuse_name(p, entry, name);
    if (route->kind != ROUTE_PREFIX && route->kind != ROUTE_PREFIX_STRONG) {
        parse_refuse(p, entry,
                     "there is more below the page than its path: write "
                     "/PATH stats " STR_FMT ", or ^~ /PATH stats " STR_FMT,
                     STR_ARG(name), STR_ARG(name));
        return -1;
    }
    if (route->root != NULL || route->alias != NULL) {
        parse_refuse(p, entry, "root= and alias= are for files");
        return -1;
    }
    if (pattern.len > 1 && pattern.p[pattern.len - 1] == '/') {
        parse_refuse(p, entry,
                     "the page is at the path itself: write '" STR_FMT "'",
                     STR_ARG(str_slice(pattern, 0, pattern.len - 1)));
        return -1;
    }
    return parse_uri(p, entry, pattern, &route->pattern);
}
