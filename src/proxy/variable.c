/* SPDX-License-Identifier: MIT */
/*
 * One small function a variable, in a table by its number.  They read from a
 * subject, which is what exchanges and sessions have in common; those of http
 * alone are never in a template of tcp (template_compile sees to it).
 */
#include "proxy/variable.h"

#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "codec/uri.h"
#include "proxy/engine.h"
#include "proxy/flow.h"
#include "proxy/hook.h"
#include "proxy/http_exchange.h"
#include "proxy/http_section.h"
#include "proxy/log_sample.h"
#include "proxy/mysql_visible.h"
#include "proxy/tcp_session.h"
#include "proxy/upstream.h"

struct subject {
    struct http_exchange *exchange; /* NULL on tcp */
    const struct flow *flow;
    const struct engine *engine;
    int fd; /* the client's socket */
    uint64_t begun_us;
    uint64_t picked_us;
    uint64_t connected_us;
    uint64_t sent_bytes;
    unsigned retries;
    uint32_t sample;          /* on tcp */
    struct mysql_count count; /* of a visible session */
    bool encoded;             /* paths are wanted as in a URL */
    char *space;              /* VARIABLE_SPACE bytes */
};

typedef struct str (*value_fn)(const struct subject *s,
                               const struct template_piece *piece);

static struct str
none(void)
{
    return (struct str){0};
}

static struct str
number(const struct subject *s, uint64_t n)
{
    struct buf text;

    buf_init(&text, s->space, VARIABLE_SPACE);
    buf_uint(&text, n);
    return buf_text(&text);
}

static struct str
milliseconds(const struct subject *s, uint64_t from_us, uint64_t to_us)
{
    return from_us == 0 || to_us < from_us
               ? none()
               : number(s, (to_us - from_us) / 1000);
}

/* --- of both -------------------------------------------------------------- */

static struct str
value_literal(const struct subject *s, const struct template_piece *piece)
{
    (void)s;
    return piece->text;
}

static struct str
value_bytes_sent(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return number(s, s->sent_bytes);
}

static struct str
value_remote_addr(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return str_from(
        addr_format_host(s->flow->client, s->space, VARIABLE_SPACE));
}

static struct str
value_remote_port(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return number(s, addr_port(s->flow->client));
}

static bool
is_any(const struct addr *addr)
{
    if (addr->sa.sa_family == AF_INET)
        return addr->in.sin_addr.s_addr == htonl(INADDR_ANY);
    return addr->sa.sa_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
}

static struct str
value_server_addr(const struct subject *s, const struct template_piece *piece)
{
    const struct addr *addr = s->flow->listener;
    struct addr own;

    (void)piece;
    /* Only the socket knows which of this machine's addresses it was. */
    if (is_any(addr) && addr_of_socket(&own, s->fd) == 0)
        addr = &own;
    return str_from(addr_format_host(addr, s->space, VARIABLE_SPACE));
}

static struct str
value_server_port(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return number(s, addr_port(s->flow->listener));
}

static struct str
value_listener(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->flow->section;
}

static struct str
value_upstream(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->flow->upstream == NULL ? none() : s->flow->upstream->conf->name;
}

static struct str
value_server(const struct subject *s, const struct template_piece *piece)
{
    const struct server *server = flow_last_server(s->flow);

    (void)piece;
    return server == NULL ? none() : server->conf->name;
}

static struct str
value_time_ms(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return milliseconds(s, s->begun_us, clock_us());
}

static struct str
value_connect_ms(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return milliseconds(s, s->picked_us, s->connected_us);
}

static struct str
value_retries(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return number(s, s->retries);
}

static struct str
value_time_local(const struct subject *s, const struct template_piece *piece)
{
    (void)s;
    (void)piece;
    return clock_clf_date();
}

/* RFC 3339 without the milliseconds. */
static struct str
value_time_iso(const struct subject *s, const struct template_piece *piece)
{
    struct str full = clock_rfc3339_date();
    size_t seconds = sizeof("2026-11-24T13:50:00") - 1;
    struct buf text;

    (void)piece;
    buf_init(&text, s->space, VARIABLE_SPACE);
    buf_str(&text, str_slice(full, 0, seconds));
    buf_str(&text, str_slice(full, seconds + sizeof(".000") - 1, full.len));
    return buf_text(&text);
}

static struct str
value_worker(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return number(s, s->engine->worker);
}

/* --- of http -------------------------------------------------------------- */

static struct str
value_host(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->exchange->host;
}

static struct str
value_path(const struct subject *s, const struct template_piece *piece)
{
    struct str path = s->exchange->path;
    size_t max = 3 * path.len;
    struct buf text;
    char *p;

    (void)piece;
    if (!s->encoded)
        return path;
    p = arena_alloc(&s->exchange->arena, max);
    if (p == NULL)
        return none();
    buf_init(&text, p, max);
    uri_write_path(&text, path);
    return buf_text(&text);
}

/* As the client sent it, or as a script made it: that may be anything. */
static struct str
value_args(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    if (s->encoded && !http_is_value(s->exchange->query))
        return none();
    return s->exchange->query;
}

static struct str
value_request_uri(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->exchange->head.uri;
}

static struct str
value_protocol(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->exchange->head.minor == 0 ? STR("HTTP/1.0") : STR("HTTP/1.1");
}

/* The line as it came: only one that was not understood is still there. */
static struct str
value_request(const struct subject *s, const struct template_piece *piece)
{
    const struct http_request *head = &s->exchange->head;
    size_t len =
        head->method_name.len + head->target.len + sizeof("  HTTP/1.1");
    struct buf line;
    char *p;

    if (s->exchange->refused)
        return s->exchange->first_line;
    p = arena_alloc(&s->exchange->arena, len);
    if (p == NULL)
        return none();
    buf_init(&line, p, len);
    buf_str(&line, head->method_name);
    buf_char(&line, ' ');
    buf_str(&line, head->target);
    buf_char(&line, ' ');
    buf_str(&line, value_protocol(s, piece));
    return buf_text(&line);
}

static struct str
value_method(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->exchange->head.method_name;
}

static struct str
value_scheme(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return exchange_scheme(s->exchange);
}

static struct str
value_status(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->exchange->writer.status == 0
               ? none()
               : number(s, (uint64_t)s->exchange->writer.status);
}

static struct str
value_body_bytes(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return number(s, writer_body_sent(&s->exchange->writer));
}

static struct str
value_upstream_ms(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return milliseconds(s, s->picked_us, s->exchange->times.response_us);
}

static struct str
value_sample(const struct subject *s, const struct template_piece *piece)
{
    const struct http_exchange *exchange = s->exchange;

    (void)piece;
    return number(s, exchange == NULL
                         ? s->sample
                         : log_sample_weight(&exchange->section->section,
                                             exchange->writer.status,
                                             exchange->term));
}

static struct str
value_referer(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return http_value(&s->exchange->head.fields, HTTP_HEADER_REFERER);
}

static struct str
value_user_agent(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return http_value(&s->exchange->head.fields, HTTP_HEADER_USER_AGENT);
}

static struct str
value_log(const struct subject *s, const struct template_piece *piece)
{
    for (unsigned i = 0; i < s->exchange->log_field_count; i++) {
        const struct hook_field *field = &s->exchange->log_fields[i];

        if (str_equal(field->name, piece->text))
            return str_slice(field->value, 0, HOOK_FIELD_TEXT_MAX);
    }
    return none();
}

static struct str
value_http(const struct subject *s, const struct template_piece *piece)
{
    return exchange_header(s->exchange, piece->text);
}

static struct str
value_document_root(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->exchange->root;
}

static struct str
value_user(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->flow->user;
}

static struct str
value_schema(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->flow->schema;
}

static struct str
value_program(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->flow->program;
}

/* --- of visible MySQL sessions -------------------------------------------- */

static struct str
value_queries(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->count.known ? number(s, s->count.queries) : none();
}

static struct str
value_transactions(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->count.known ? number(s, s->count.transactions) : none();
}

static struct str
value_errors(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->count.known ? number(s, s->count.errors) : none();
}

static struct str
value_error(const struct subject *s, const struct template_piece *piece)
{
    (void)piece;
    return s->count.error != 0 ? number(s, s->count.error) : none();
}

static const value_fn values[TEMPLATE_VARIABLE_COUNT] = {
    [TEMPLATE_LITERAL] = value_literal,
    [TEMPLATE_VAR_HOST] = value_host,
    [TEMPLATE_VAR_URI] = value_path,
    [TEMPLATE_VAR_PATH] = value_path,
    [TEMPLATE_VAR_ARGS] = value_args,
    [TEMPLATE_VAR_REQUEST_URI] = value_request_uri,
    [TEMPLATE_VAR_REQUEST] = value_request,
    [TEMPLATE_VAR_METHOD] = value_method,
    [TEMPLATE_VAR_SCHEME] = value_scheme,
    [TEMPLATE_VAR_PROTOCOL] = value_protocol,
    [TEMPLATE_VAR_STATUS] = value_status,
    [TEMPLATE_VAR_BYTES_SENT] = value_bytes_sent,
    [TEMPLATE_VAR_BODY_BYTES] = value_body_bytes,
    [TEMPLATE_VAR_REMOTE_ADDR] = value_remote_addr,
    [TEMPLATE_VAR_REMOTE_PORT] = value_remote_port,
    [TEMPLATE_VAR_SERVER_ADDR] = value_server_addr,
    [TEMPLATE_VAR_SERVER_PORT] = value_server_port,
    [TEMPLATE_VAR_LISTENER] = value_listener,
    [TEMPLATE_VAR_UPSTREAM] = value_upstream,
    [TEMPLATE_VAR_SERVER] = value_server,
    [TEMPLATE_VAR_TIME_MS] = value_time_ms,
    [TEMPLATE_VAR_CONNECT_MS] = value_connect_ms,
    [TEMPLATE_VAR_UPSTREAM_MS] = value_upstream_ms,
    [TEMPLATE_VAR_RETRIES] = value_retries,
    [TEMPLATE_VAR_REFERER] = value_referer,
    [TEMPLATE_VAR_USER_AGENT] = value_user_agent,
    [TEMPLATE_VAR_HTTP] = value_http,
    [TEMPLATE_VAR_LOG] = value_log,
    [TEMPLATE_VAR_TIME_LOCAL] = value_time_local,
    [TEMPLATE_VAR_TIME_ISO] = value_time_iso,
    [TEMPLATE_VAR_WORKER] = value_worker,
    [TEMPLATE_VAR_SAMPLE] = value_sample,
    [TEMPLATE_VAR_USER] = value_user,
    [TEMPLATE_VAR_SCHEMA] = value_schema,
    [TEMPLATE_VAR_PROGRAM] = value_program,
    [TEMPLATE_VAR_QUERIES] = value_queries,
    [TEMPLATE_VAR_TRANSACTIONS] = value_transactions,
    [TEMPLATE_VAR_ERRORS] = value_errors,
    [TEMPLATE_VAR_ERROR] = value_error,
    [TEMPLATE_VAR_DOCUMENT_ROOT] = value_document_root,
};

/* --- the outside ---------------------------------------------------------- */

static struct str
value_of_http(const struct template_piece *piece,
              struct http_exchange *exchange, char *space, bool encoded)
{
    const struct subject s = {
        .exchange = exchange,
        .flow = &exchange->flow,
        .engine = exchange->engine,
        .fd = exchange->writer.stream->fd,
        .begun_us = exchange->times.first_us,
        .picked_us = exchange->times.picked_us,
        .connected_us = exchange->times.connected_us,
        .sent_bytes = exchange->writer.sent_bytes,
        .retries = exchange->retries,
        .encoded = encoded,
        .space = space,
    };

    return values[piece->variable](&s, piece);
}

struct str
variable_of_http(const struct template_piece *piece,
                 struct http_exchange *exchange, char space[VARIABLE_SPACE])
{
    return value_of_http(piece, exchange, space, false);
}

struct str
variable_of_tcp(const struct template_piece *piece,
                const struct tcp_session *session, char space[VARIABLE_SPACE])
{
    const struct subject s = {
        .flow = &session->flow,
        .engine = session->dial.engine,
        .fd = session->client.fd,
        .begun_us = session->accepted_us,
        .picked_us = session->picked_us,
        .connected_us = session->connected_us,
        .sent_bytes = session->down.bytes,
        .retries = session->retries,
        .sample = log_sample_weight(session->section, 0, session->term),
        .count = mysql_visible_count(session->visible),
        .space = space,
    };

    return values[piece->variable](&s, piece);
}

/* Two walks: one for the length, one for the text. */
static struct str
expand(const struct template *template, struct http_exchange *exchange,
       bool encoded)
{
    char space[VARIABLE_SPACE];
    struct buf text;
    size_t len = 0;
    char *p;

    if (template_is_literal(template))
        return template->source;
    for (size_t i = 0; i < template->piece_count; i++)
        len +=
            value_of_http(&template->pieces[i], exchange, space, encoded).len;
    p = arena_alloc(&exchange->arena, len + 1);
    if (p == NULL)
        return none();
    buf_init(&text, p, len);
    for (size_t i = 0; i < template->piece_count; i++)
        buf_str(&text,
                value_of_http(&template->pieces[i], exchange, space, encoded));
    p[text.len] = '\0';
    return buf_text(&text);
}

struct str
variable_text(const struct template *template, struct http_exchange *exchange)
{
    return expand(template, exchange, false);
}

struct str
variable_field(const struct template *template, struct http_exchange *exchange)
{
    return expand(template, exchange, true);
}
