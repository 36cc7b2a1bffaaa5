/* SPDX-License-Identifier: MIT */
#include "proxy/http_file.h"

#include "proxy/file_cache.h"
#include "proxy/http_exchange.h"
#include "proxy/http_section.h"
#include "proxy/variable.h"

static const struct template *
root_template(const struct http_exchange *exchange)
{
    const struct http_route *route = exchange->route;

    if (route != NULL && route->conf->root != NULL)
        return route->conf->root;
    return exchange->section->conf->root;
}

struct str
exchange_root(struct http_exchange *exchange)
{
    const struct template *template = root_template(exchange);
    struct str root;

    if (exchange->root.p != NULL || template == NULL)
        return exchange->root;
    root = variable_text(template, exchange);
    while (root.len > 1 && root.p[root.len - 1] == '/')
        root.len--;
    exchange->root = root;
    return root;
}

static struct str
join(struct http_exchange *exchange, struct str folder, struct str path)
{
    return folder.p == NULL ? folder : exchange_join(exchange, folder, path);
}

struct str
exchange_file(struct http_exchange *exchange, struct str path)
{
    const struct http_route *route = exchange->route;
    struct str prefix;
    struct str rest;

    if (route == NULL || route->conf->alias == NULL)
        return join(exchange, exchange_root(exchange), path);
    prefix = route->conf->pattern;
    if (!str_starts_with(path, prefix))
        return (struct str){0};
    /* An alias has no slash at its end: the prefix's stays with the rest. */
    if (str_ends_with(prefix, STR("/")))
        prefix.len--;
    rest = str_slice(path, prefix.len, path.len);
    /* "/img" with an alias must not let "/img../x" out of the alias. */
    if (rest.len > 0 && rest.p[0] != '/')
        return (struct str){0};
    return join(exchange, variable_text(route->conf->alias, exchange), rest);
}

static enum file_kind
kind_of(struct http_exchange *exchange, struct str path)
{
    enum file_kind kind = FILE_ERROR;
    struct file *file;
    struct str name;

    if (exchange_is_hidden(path))
        return FILE_MISSING;
    name = exchange_file(exchange, path);
    if (name.p == NULL)
        return FILE_ERROR;
    file = file_cache_get(exchange->section->files, name);
    if (file != NULL) {
        kind = file->kind;
        file_unref(file);
    }
    return kind;
}

bool
exchange_file_exists(struct http_exchange *exchange, struct str path)
{
    return kind_of(exchange, path.len > 0 ? path : exchange->path) ==
           FILE_REGULAR;
}

/* The shortest part first: there are files below directories only. */
size_t
exchange_file_prefix(struct http_exchange *exchange, struct str path)
{
    for (size_t end = 1; end <= path.len; end++) {
        if (end < path.len && path.p[end] != '/')
            continue;
        switch (kind_of(exchange, str_slice(path, 0, end))) {
        case FILE_REGULAR:
            return end;
        case FILE_DIRECTORY:
            break;
        case FILE_MISSING:
        case FILE_FORBIDDEN:
        case FILE_SPECIAL:
        case FILE_ERROR:
            return 0;
        }
    }
    return 0;
}
