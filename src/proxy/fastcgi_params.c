/* SPDX-License-Identifier: MIT */
#include "proxy/fastcgi_params.h"

#include <string.h>

#include "codec/cgi.h"
#include "codec/fcgi.h"
#include "proxy/http_exchange.h"
#include "proxy/http_file.h"
#include "proxy/http_section.h"
#include "proxy/upstream.h"
#include "proxy/variable.h"

enum {
    NAME_MAX_LEN = 256, /* bytes of a field's name that are passed on */
    NUMBER_MAX = 24,
};

/* --- which script --------------------------------------------------------- */

static bool
root_is_remote(struct http_exchange *exchange)
{
    return exchange->section->conf->root_is_remote ||
           exchange_root(exchange).p == NULL;
}

/* The part of the path that is cut in two: a regex route's groups 1 and 2 if
 * they lie side by side, else all of it. */
static struct str
subject_of(const struct http_exchange *exchange)
{
    const struct str *groups = exchange->groups;

    if (exchange->group_count < 2 || groups[1].p == NULL)
        return exchange->path;
    if (exchange->group_count < 3 || groups[2].p == NULL ||
        groups[2].p != groups[1].p + groups[1].len)
        return groups[1];
    return str_make(groups[1].p, groups[1].len + groups[2].len);
}

/* The end of the first ".php" at or after FROM that ends a segment; 0: none. */
static size_t
next_script_end(struct str path, size_t from)
{
    for (size_t i = from; i + 4 <= path.len; i++) {
        if (memcmp(path.p + i, ".php", 4) == 0 &&
            (i + 4 == path.len || path.p[i + 4] == '/'))
            return i + 4;
    }
    return 0;
}

static void
cut(struct fastcgi_script *out, struct str path, size_t end)
{
    out->name = str_slice(path, 0, end);
    out->info = str_slice(path, end, path.len);
}

/* What the route alone says: its groups, or the path as it is. */
static void
cut_by_route(struct fastcgi_script *out, const struct http_exchange *exchange,
             struct str subject)
{
    size_t end = subject.len;

    if (exchange->group_count >= 2 && exchange->groups[1].p != NULL)
        end = exchange->groups[1].len;
    cut(out, subject, end);
}

/* A folder is answered by its first index file; a remote one is believed to
 * have the first that is a script. */
static bool
take_index(struct http_exchange *exchange, bool remote)
{
    const struct http_conf *conf = exchange->section->conf;

    for (size_t i = 0; i < conf->index_count; i++) {
        struct str path =
            exchange_join(exchange, exchange->path, conf->index[i]);
        bool found = remote ? str_ends_with(path, STR(".php"))
                            : exchange_file_exists(exchange, path);

        if (path.p == NULL || !found)
            continue;
        exchange->path = path;
        return true;
    }
    return false;
}

enum fastcgi_found
fastcgi_find_script(struct fastcgi_script *out, struct http_exchange *exchange)
{
    struct str subject = subject_of(exchange);
    bool remote = root_is_remote(exchange);

    if (str_ends_with(exchange->path, STR("/")) &&
        next_script_end(subject, 0) == 0 && exchange->group_count < 2)
        return take_index(exchange, remote) ? FASTCGI_INDEX : FASTCGI_NONE;
    for (size_t end = 0; (end = next_script_end(subject, end)) > 0;) {
        cut(out, subject, end);
        if (remote || exchange_file_exists(exchange, out->name))
            return FASTCGI_SCRIPT;
    }
    cut_by_route(out, exchange, subject);
    if (remote || exchange_file_exists(exchange, out->name))
        return FASTCGI_SCRIPT;
    return FASTCGI_NONE;
}

/* --- parameters ----------------------------------------------------------- */

static void
put_uint(struct buf *to, struct str name, uint64_t value)
{
    char text[NUMBER_MAX];
    struct buf number;

    buf_init(&number, text, sizeof(text));
    buf_uint(&number, value);
    fcgi_write_pair(to, name, buf_text(&number));
}

static void
put_addr(struct buf *to, struct str host, struct str port,
         const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];

    fcgi_write_pair(to, host,
                    str_from(addr_format_host(addr, text, sizeof(text))));
    put_uint(to, port, addr_port(addr));
}

/* The name that the administrator gave the host; a wildcard is none. */
static struct str
server_name(const struct http_exchange *exchange)
{
    struct str name = exchange->section->plain_name;

    return name.p == NULL ? exchange->host : name;
}

static void
put_paths(struct buf *to, struct http_exchange *exchange,
          const struct fastcgi_script *script, const struct server *server)
{
    struct str root = server->conf->root.p != NULL ? server->conf->root
                                                   : exchange_root(exchange);
    struct str file = exchange_join(exchange, root, script->name);

    fcgi_write_pair(to, STR("SCRIPT_NAME"), script->name);
    fcgi_write_pair(to, STR("PATH_INFO"), script->info);
    fcgi_write_pair(to, STR("DOCUMENT_ROOT"), root);
    fcgi_write_pair(to, STR("DOCUMENT_URI"), exchange->path);
    /* With an alias the file is not below the root. */
    if (exchange->route != NULL && exchange->route->conf->alias != NULL &&
        server->conf->root.p == NULL)
        file = exchange_file(exchange, script->name);
    fcgi_write_pair(to, STR("SCRIPT_FILENAME"), file);
    if (script->info.len > 0)
        fcgi_write_pair(to, STR("PATH_TRANSLATED"),
                        exchange_join(exchange, root, script->info));
    if (file.p == NULL)
        to->failed = true;
}

static void
put_request(struct buf *to, const struct http_exchange *exchange)
{
    const struct http_request *head = &exchange->head;

    fcgi_write_pair(to, STR("QUERY_STRING"), exchange->query);
    fcgi_write_pair(to, STR("REQUEST_METHOD"), exchange->method_name);
    fcgi_write_pair(to, STR("CONTENT_TYPE"),
                    http_value(&head->fields, HTTP_HEADER_CONTENT_TYPE));
    if (exchange_wants_body(exchange))
        put_uint(to, STR("CONTENT_LENGTH"), spool_len(&exchange->body));
    else
        fcgi_write_pair(to, STR("CONTENT_LENGTH"),
                        head->content_length == 0 && !exchange->bodiless
                            ? STR("0")
                            : STR(""));
    fcgi_write_pair(to, STR("REQUEST_URI"), head->uri);
    fcgi_write_pair(to, STR("REQUEST_SCHEME"), exchange_scheme(exchange));
    if (exchange->https)
        fcgi_write_pair(to, STR("HTTPS"), STR("on"));
    fcgi_write_pair(to, STR("SERVER_PROTOCOL"),
                    head->minor == 0 ? STR("HTTP/1.0") : STR("HTTP/1.1"));
    fcgi_write_pair(to, STR("SERVER_NAME"), server_name(exchange));
    put_addr(to, STR("REMOTE_ADDR"), STR("REMOTE_PORT"), &exchange->client);
    put_addr(to, STR("SERVER_ADDR"), STR("SERVER_PORT"),
             exchange->flow.listener);
    fcgi_write_pair(to, STR("GATEWAY_INTERFACE"), STR("CGI/1.1"));
    fcgi_write_pair(to, STR("SERVER_SOFTWARE"),
                    STR("moongate/" MOONGATE_VERSION));
    /* PHP built with force-cgi-redirect refuses to run without it. */
    fcgi_write_pair(to, STR("REDIRECT_STATUS"), STR("200"));
}

/* Fields that are no business of the application: the body's framing is done
 * with, its type has a variable without HTTP_, and Proxy would become the
 * HTTP_PROXY that HTTP clients obey (httpoxy, CVE-2016-5385). */
static bool
is_passed_on(const struct http_field *field)
{
    switch (field->id) {
    case HTTP_HEADER_PROXY:
    case HTTP_HEADER_CONTENT_LENGTH:
    case HTTP_HEADER_CONTENT_TYPE:
    case HTTP_HEADER_TRANSFER_ENCODING:
    case HTTP_HEADER_TRAILER:
    case HTTP_HEADER_EXPECT:
        return false;
    default:
        return field->name.len <= NAME_MAX_LEN;
    }
}

static bool
same_name(const struct http_field *a, const struct http_field *b)
{
    return a->id == b->id &&
           (a->id != HTTP_HEADER_OTHER || str_equal_nocase(a->name, b->name));
}

static bool
stands_before(const struct http_fields *fields, unsigned i)
{
    for (unsigned k = 0; k < i; k++) {
        if (same_name(&fields->at[k], &fields->at[i]))
            return true;
    }
    return false;
}

/* One variable for all fields of a name (RFC 3875, 4.1.18): joined by a comma,
 * cookies by a semicolon (RFC 9113, 8.2.3). */
static struct str
joined_value(struct http_exchange *exchange, unsigned first)
{
    const struct http_fields *fields = &exchange->head.fields;
    const struct http_field *field = &fields->at[first];
    struct str joint = field->id == HTTP_HEADER_COOKIE ? STR("; ") : STR(", ");
    struct str value = field->value;

    for (unsigned i = first + 1; i < fields->count; i++) {
        if (!same_name(&fields->at[i], field))
            continue;
        value = exchange_join(exchange, exchange_join(exchange, value, joint),
                              fields->at[i].value);
    }
    return value;
}

static void
put_fields(struct buf *to, struct http_exchange *exchange)
{
    const struct http_fields *fields = &exchange->head.fields;
    char name[CGI_NAME_PREFIX + NAME_MAX_LEN];

    for (unsigned i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->at[i];
        struct str value;
        size_t len;

        if (!is_passed_on(field) || stands_before(fields, i))
            continue;
        value = joined_value(exchange, i);
        /* The authority of an absolute target replaces Host (RFC 9112,
         * 3.2.2). */
        if (field->id == HTTP_HEADER_HOST && exchange->head.absolute)
            value = exchange->head.host;
        len = cgi_header_name(name, field->name);
        fcgi_write_pair(to, str_make(name, len), value);
    }
}

void
fastcgi_write_params(struct buf *to, struct http_exchange *exchange,
                     const struct fastcgi_script *script,
                     const struct server *server)
{
    const struct http_conf *conf = exchange->section->conf;
    size_t at = fcgi_open_params(to);

    put_paths(to, exchange, script, server);
    put_request(to, exchange);
    put_fields(to, exchange);
    for (size_t i = 0; i < conf->param_count; i++)
        fcgi_write_pair(to, conf->params[i].name,
                        variable_text(conf->params[i].value, exchange));
    fcgi_close_params(to, at, FASTCGI_REQUEST_ID);
}
