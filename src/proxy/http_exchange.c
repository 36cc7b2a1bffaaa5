/* SPDX-License-Identifier: MIT */
#include "proxy/http_exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/cookie.h"
#include "codec/uri.h"
#include "proxy/engine.h"
#include "proxy/http_section.h"

enum {
    SPARES_MAX = 64,         /* exchanges kept for the next requests */
    ARENA_BLOCK = 4096,      /* of an exchange, kept between requests */
    FORWARDED_ADDR_MAX = 64, /* bytes of an address in X-Forwarded-For */
};

struct exchange_end {
    struct exchange_end *next;
    void (*fn)(void *arg);
    void *arg;
};

/* --- life ----------------------------------------------------------------- */

static struct http_exchange *
take_spare(struct engine *engine)
{
    struct list *node = list_take_first(&engine->exchanges);
    struct http_exchange *exchange;

    if (node != NULL) {
        engine->exchange_count--;
        return container_of(node, struct http_exchange, link);
    }
    exchange = malloc(sizeof(*exchange));
    if (exchange != NULL)
        arena_init(&exchange->arena, ARENA_BLOCK);
    return exchange;
}

struct http_exchange *
exchange_new(struct engine *engine, struct stream *stream)
{
    struct http_exchange *exchange = take_spare(engine);

    if (exchange == NULL)
        return NULL;
    engine->exchanges_used++;
    memset(exchange, 0, offsetof(struct http_exchange, arena));
    exchange->engine = engine;
    exchange->flow.exchange = exchange;
    exchange->term[0] = exchange->term[1] = '-';
    list_init(&exchange->link);
    spool_init(&exchange->body, engine->buffers, engine->temp_dir, 0, 0);
    writer_init(&exchange->writer, stream, &exchange->arena);
    spool_init(&exchange->writer.spool, engine->buffers, engine->temp_dir, 0,
               0);
    return exchange;
}

void
exchange_free(struct http_exchange *exchange)
{
    struct engine *engine = exchange->engine;

    while (exchange->ends != NULL) {
        struct exchange_end *end = exchange->ends;

        exchange->ends = end->next;
        end->fn(end->arg);
    }
    flow_reroute(&exchange->flow);
    if (exchange->hooks != NULL)
        section_hooks_release(exchange->hooks);
    spool_fini(&exchange->body);
    spool_fini(&exchange->writer.spool);
    writer_fini(&exchange->writer);
    arena_reset(&exchange->arena);
    engine->exchanges_used--;
    if (engine->exchange_count < SPARES_MAX) {
        list_add_head(&engine->exchanges, &exchange->link);
        engine->exchange_count++;
        return;
    }
    arena_fini(&exchange->arena);
    free(exchange);
}

void
exchange_drop_spares(struct engine *engine)
{
    for (struct list *node;
         (node = list_take_first(&engine->exchanges)) != NULL;) {
        struct http_exchange *exchange =
            container_of(node, struct http_exchange, link);

        arena_fini(&exchange->arena);
        free(exchange);
    }
    engine->exchange_count = 0;
}

int
exchange_on_end(struct http_exchange *exchange, void (*fn)(void *arg),
                void *arg)
{
    struct exchange_end *end = arena_alloc(&exchange->arena, sizeof(*end));

    if (end == NULL) {
        errno = ENOMEM;
        return -1;
    }
    *end = (struct exchange_end){.next = exchange->ends, .fn = fn, .arg = arg};
    exchange->ends = end;
    return 0;
}

/* --- progress ------------------------------------------------------------- */

void
exchange_wake(struct http_exchange *exchange)
{
    exchange->on_wake(exchange);
}

void
exchange_flush(struct http_exchange *exchange)
{
    exchange->on_flush(exchange);
}

void
exchange_finish(struct http_exchange *exchange)
{
    exchange->handler = NULL;
    exchange->state = EXCHANGE_FINISHED;
    exchange_wake(exchange);
}

bool
exchange_reroute(struct http_exchange *exchange)
{
    if (++exchange->reroutes > EXCHANGE_REROUTES_MAX)
        return false;
    exchange->handler = NULL;
    exchange->state = EXCHANGE_ROUTE;
    exchange->routed_by_hook = false;
    exchange->root = (struct str){0};
    writer_drop(&exchange->writer);
    exchange_wake(exchange);
    return true;
}

struct str
exchange_join(struct http_exchange *exchange, struct str a, struct str b)
{
    size_t len = a.len + b.len;
    char *text = arena_alloc(&exchange->arena, len + 1);

    if (text == NULL)
        return (struct str){0};
    if (a.len > 0)
        memcpy(text, a.p, a.len);
    if (b.len > 0)
        memcpy(text + a.len, b.p, b.len);
    text[len] = '\0';
    return str_make(text, len);
}

void
exchange_become_get(struct http_exchange *exchange)
{
    exchange->bodiless = true;
    spool_fini(&exchange->body);
    spool_init(&exchange->body, exchange->engine->buffers,
               exchange->engine->temp_dir, 0, 0);
    exchange->body.keep = true;
    if (exchange->method == HTTP_METHOD_HEAD)
        return;
    exchange->method = HTTP_METHOD_GET;
    exchange->method_name = STR("GET");
}

bool
exchange_wants_body(const struct http_exchange *exchange)
{
    return exchange->head.has_body && !exchange->bodiless;
}

bool
exchange_is_too_large(const struct http_exchange *exchange)
{
    uint64_t bytes = spool_len(&exchange->body);

    if (!exchange_wants_body(exchange))
        return false;
    if (exchange->head.content_length > 0)
        bytes = (uint64_t)exchange->head.content_length;
    return bytes > exchange->max_body_bytes;
}

/* --- the head ------------------------------------------------------------- */

int
exchange_read_host(struct http_exchange *exchange)
{
    struct str host = exchange->head.host;
    char *lower = arena_strndup(&exchange->arena, host.p, host.len);

    if (lower == NULL)
        return -1;
    for (size_t i = 0; i < host.len; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] | 0x20);
    }
    /* The dot of a fully qualified name names the same host. */
    if (host.len > 1 && lower[host.len - 1] == '.')
        host.len--;
    exchange->host = str_make(lower, host.len);
    return 0;
}

/* A name with '_' would be the same CGI variable as one with '-', and so
 * could forge what a proxy in front of us has set. */
static void
drop_underscores(struct http_fields *fields)
{
    for (unsigned i = 0; i < fields->count;) {
        if (fields->at[i].underscore)
            (void)http_remove(fields, fields->at[i].name);
        else
            i++;
    }
}

/* Takes the last address off a list of them; false when it is none. */
static bool
last_forwarded(struct str *list, struct addr *out)
{
    char text[FORWARDED_ADDR_MAX];
    size_t from = list->len;
    struct str item;

    while (from > 0 && list->p[from - 1] != ',')
        from--;
    item = str_trim(str_slice(*list, from, list->len));
    *list = str_slice(*list, 0, from > 0 ? from - 1 : 0);
    if (item.len == 0 || item.len >= sizeof(text))
        return false;
    memcpy(text, item.p, item.len);
    text[item.len] = '\0';
    return addr_parse_host(out, text, 0) == 0;
}

/* What the client used is the last word of the last X-Forwarded-Proto: that of
 * the proxy that is connected.  The words before it may be anybody's. */
static void
believe_proto(struct http_exchange *exchange)
{
    const struct http_fields *fields = &exchange->head.fields;
    struct str word = {0};
    size_t from;

    for (unsigned i = 0; i < fields->count; i++) {
        if (str_equal_nocase(fields->at[i].name, STR("x-forwarded-proto")))
            word = fields->at[i].value;
    }
    from = word.len;
    while (from > 0 && word.p[from - 1] != ',')
        from--;
    word = str_trim(str_slice(word, from, word.len));
    exchange->https = str_equal_nocase(word, STR("https"));
}

/* The client is the last address that no proxy of ours has: from the end of
 * X-Forwarded-For, past those that `trust` names. */
static void
believe_client(struct http_exchange *exchange)
{
    const struct section_conf *conf = exchange->section->section.conf;
    const struct http_fields *fields = &exchange->head.fields;

    for (unsigned i = fields->count; i-- > 0;) {
        struct str list = fields->at[i].value;
        struct addr addr;

        if (fields->at[i].id != HTTP_HEADER_X_FORWARDED_FOR)
            continue;
        while (list.len > 0) {
            if (!last_forwarded(&list, &addr))
                return;
            exchange->client = addr;
            if (!cidr_any_contains(conf->trust, conf->trust_count, &addr))
                return;
        }
    }
}

static void
believe_forwarded(struct http_exchange *exchange)
{
    const struct section_conf *conf = exchange->section->section.conf;

    if (!cidr_any_contains(conf->trust, conf->trust_count, &exchange->client))
        return;
    believe_proto(exchange);
    believe_client(exchange);
}

bool
exchange_is_hidden(struct str path)
{
    if (str_starts_with(path, STR("/.well-known/")))
        path = str_slice(path, sizeof("/.well-known") - 1, path.len);
    for (size_t i = 0; i + 1 < path.len; i++) {
        if (path.p[i] == '/' && path.p[i + 1] == '.')
            return true;
    }
    return false;
}

static int
normalize(struct http_exchange *exchange, struct str path)
{
    char *space = arena_alloc(&exchange->arena, path.len + 1);
    enum uri_slash slash =
        exchange->section->conf->encoded_slash == ENCODED_SLASH_REFUSE
            ? URI_SLASH_REFUSE
            : URI_SLASH_DECODE;

    if (space == NULL) {
        errno = ENOMEM;
        return -1;
    }
    if (uri_normalize(&exchange->path, space, path, slash) < 0) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

/* The head of the response is about to leave. */
static void
on_response_head(struct http_writer *writer)
{
    struct http_exchange *exchange =
        container_of(writer, struct http_exchange, writer);
    exchange->hooks->response(exchange->hooks->arg, exchange);
}

int
exchange_read_head(struct http_exchange *exchange)
{
    struct http_section *section = exchange->section;
    struct http_request *head = &exchange->head;

    exchange->flow.section = section->section.conf->name;
    exchange->limits = section->section.conf->limits;
    exchange->max_body_bytes = section->conf->max_body_bytes;
    exchange->body.memory_max = section->conf->body_buffer_bytes;
    exchange->body.file_max = UINT64_MAX;
    exchange->body.keep = true;
    exchange->writer.spool.memory_max = section->conf->response_buffer_bytes;
    exchange->writer.spool.file_max = section->conf->response_spool_bytes;
    exchange->method = head->method;
    exchange->method_name = head->method_name;
    exchange->query = head->query;
    believe_forwarded(exchange);
    if (!section->conf->underscores)
        drop_underscores(&head->fields);
    if (head->asterisk)
        return 405;
    if (normalize(exchange, head->path) < 0)
        return errno == ENOMEM ? 500 : 400;
    if (exchange_is_hidden(exchange->path))
        return 404;
    exchange->hooks = section_hooks_hold(section->section.hooks);
    if (exchange->hooks->response != NULL)
        exchange->writer.on_head = on_response_head;
    return 0;
}

/* --- for hooks ------------------------------------------------------------ */

struct str
exchange_header(const struct http_exchange *exchange, struct str name)
{
    const struct http_field *field =
        http_find_name(&exchange->head.fields, name);

    return field == NULL ? (struct str){0} : field->value;
}

/* Until the exchange ends nothing of what hooks have set is given back, though
 * it was set anew. */
static bool
may_change(struct http_exchange *exchange, size_t len)
{
    if (len > EXCHANGE_CHANGES_MAX - exchange->changed_bytes) {
        errno = E2BIG;
        return false;
    }
    exchange->changed_bytes += len;
    return true;
}

static bool
copy(struct http_exchange *exchange, struct str *text)
{
    char *p = arena_strndup(&exchange->arena, text->p, text->len);

    if (p == NULL)
        errno = ENOMEM;
    text->p = p;
    return p != NULL;
}

int
exchange_set_header(struct http_exchange *exchange, struct str name,
                    struct str value)
{
    struct http_fields *fields = &exchange->head.fields;

    if (!http_is_token(name) || (value.p != NULL && !http_is_value(value))) {
        errno = EINVAL;
        return -1;
    }
    if (value.p == NULL) {
        (void)http_remove(fields, name);
        return 0;
    }
    if (!may_change(exchange, name.len + value.len) || !copy(exchange, &name) ||
        !copy(exchange, &value))
        return -1;
    (void)http_remove(fields, name);
    if (http_add(fields, name, value) == 0)
        return 0;
    errno = E2BIG;
    return -1;
}

struct str
exchange_cookie(struct http_exchange *exchange, struct str name)
{
    struct str field = http_value(&exchange->head.fields, HTTP_HEADER_COOKIE);
    struct str value;

    if (field.p == NULL || !cookie_find(&value, field, name))
        return (struct str){0};
    return value;
}

struct str
exchange_arg(struct http_exchange *exchange, struct str name)
{
    struct str value;

    if (!uri_find_arg(&value, exchange->query, name))
        return (struct str){0};
    if (value.len >= exchange->arg_size) {
        exchange->arg_size = 0;
        exchange->arg_text = arena_alloc(&exchange->arena, value.len + 1);
        if (exchange->arg_text == NULL)
            return (struct str){0};
        exchange->arg_size = value.len + 1;
    }
    return str_make(exchange->arg_text,
                    uri_decode_arg(exchange->arg_text, value));
}

struct str
exchange_scheme(const struct http_exchange *exchange)
{
    return exchange->https ? STR("https") : STR("http");
}

/* A path that is decoded already must not be decoded once more. */
static struct str
escape_percent(struct http_exchange *exchange, struct str path)
{
    char *text = arena_alloc(&exchange->arena, path.len * 3 + 1);
    size_t len = 0;

    for (size_t i = 0; text != NULL && i < path.len; i++) {
        text[len++] = path.p[i];
        if (path.p[i] != '%')
            continue;
        text[len++] = '2';
        text[len++] = '5';
    }
    return str_make(text, len);
}

int
exchange_rewrite(struct http_exchange *exchange, struct str path,
                 struct str query)
{
    struct str old = exchange->path;

    if (!may_change(exchange, path.len + query.len))
        return -1;
    if (str_find_char(path, '%', 0) >= 0)
        path = escape_percent(exchange, path);
    if (path.p == NULL || !copy(exchange, &path) ||
        (query.p != NULL && !copy(exchange, &query))) {
        errno = ENOMEM;
        return -1;
    }
    if (normalize(exchange, path) < 0) {
        exchange->path = old;
        return -1;
    }
    exchange->reroutes++;
    if (query.p != NULL)
        exchange->query = query;
    return 0;
}
