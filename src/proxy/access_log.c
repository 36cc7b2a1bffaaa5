/* SPDX-License-Identifier: MIT */
/*
 * A record is what its format makes of a subject: the facts that exchanges and
 * sessions have in common, and the exchange where there is one.
 */
#include "proxy/access_log.h"

#include <sys/ioctl.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "board/board.h"
#include "board/slots.h"
#include "proxy/engine.h"
#include "proxy/flow.h"
#include "proxy/http_exchange.h"
#include "proxy/http_section.h"
#include "proxy/log_sample.h"
#include "proxy/log_text.h"
#include "proxy/mysql_visible.h"
#include "proxy/tcp_session.h"
#include "proxy/upstream.h"
#include "proxy/variable.h"

enum {
    RECORD_MAX = 8192,  /* bytes of a record */
    REQUEST_MAX = 4096, /* of them, of a request line */
    FIELD_MAX = 1024,   /* of a request header or another variable */
    EXTRA_MAX = HOOK_FIELD_NAME_MAX + HOOK_FIELD_TEXT_MAX + 8,
    CLIENT_CLOSED = 499, /* nginx's status of a client that did not wait */
    NOT_REACHED = -1,    /* HAProxy's time of what did not happen */
};

struct subject {
    const struct engine *engine;
    struct section *section;
    const struct flow *flow;
    struct http_exchange *exchange;    /* NULL on tcp */
    const struct tcp_session *session; /* NULL on http */
    uint64_t begun_us;
    uint64_t begun_wall_ms;
    uint64_t ready_us; /* since when a server was wanted; 0: never */
    uint64_t picked_us;
    uint64_t connected_us;
    uint64_t response_us; /* http */
    uint64_t sent_bytes;
    unsigned retries;
    const char *term; /* two letters */
    uint32_t sample;  /* how many records this one stands for */
};

/* --- pieces --------------------------------------------------------------- */

static void
put_int(struct buf *to, int64_t n)
{
    if (n < 0)
        buf_char(to, '-');
    buf_uint(to, n < 0 ? (uint64_t)-n : (uint64_t)n);
}

/* Milliseconds between two moments, or -1 if one of them never was. */
static int64_t
ms_between(uint64_t from_us, uint64_t to_us)
{
    if (from_us == 0 || to_us < from_us)
        return NOT_REACHED;
    return (int64_t)((to_us - from_us) / 1000);
}

/* Until a server was given, or in vain. */
static int64_t
ms_waited(const struct subject *s)
{
    if (s->picked_us == 0 && s->flow->queued_us > 0)
        return (int64_t)(s->flow->queued_us / 1000);
    return ms_between(s->ready_us, s->picked_us);
}

static struct str
header(const struct subject *s, enum http_header id)
{
    return http_value(&s->exchange->head.fields, id);
}

/* The request line, as ${request} has it. */
static struct str
request_line(const struct subject *s)
{
    const struct template_piece piece = {.variable = TEMPLATE_VAR_REQUEST};
    char space[VARIABLE_SPACE];

    return variable_of_http(&piece, s->exchange, space);
}

static struct str
upstream_name(const struct subject *s)
{
    return s->flow->upstream == NULL ? (struct str){0}
                                     : s->flow->upstream->conf->name;
}

static struct str
server_name(const struct subject *s)
{
    const struct server *server = flow_last_server(s->flow);

    return server == NULL ? (struct str){0} : server->conf->name;
}

/* --- combined ------------------------------------------------------------- */

/* The status that nginx would log: three digits. */
static void
put_status(struct buf *to, const struct subject *s)
{
    int status = s->exchange->writer.status;

    if (status == 0 && s->term[0] == 'C')
        status = CLIENT_CLOSED;
    if (status == 0)
        buf_str(to, STR("000"));
    else
        buf_uint(to, (uint64_t)status);
}

static void
put_quoted(struct buf *to, struct str text, size_t max)
{
    buf_char(to, '"');
    if (text.len == 0)
        buf_char(to, '-');
    log_text_write(to, LOG_TEXT_NGINX, text, max);
    buf_char(to, '"');
}

static void
write_combined(struct buf *to, const struct subject *s)
{
    char client[ADDR_TEXT_MAX];

    buf_str(to, str_from(
                    addr_format_host(s->flow->client, client, sizeof(client))));
    buf_str(to, STR(" - - ["));
    buf_str(to, clock_clf_date());
    buf_str(to, STR("] "));
    put_quoted(to, request_line(s), REQUEST_MAX);
    buf_char(to, ' ');
    put_status(to, s);
    buf_char(to, ' ');
    buf_uint(to, writer_body_sent(&s->exchange->writer));
    buf_char(to, ' ');
    put_quoted(to, header(s, HTTP_HEADER_REFERER), FIELD_MAX);
    buf_char(to, ' ');
    put_quoted(to, header(s, HTTP_HEADER_USER_AGENT), FIELD_MAX);
}

/* --- HAProxy's (configuration.txt of 2.6, 8.2.2 and 8.2.3) ---------------- */

/* client:port [date] frontend backend/server */
static void
put_haproxy_start(struct buf *to, const struct subject *s)
{
    struct str backend = upstream_name(s);
    struct str server = server_name(s);
    char client[ADDR_TEXT_MAX];

    buf_str(to, str_from(
                    addr_format_host(s->flow->client, client, sizeof(client))));
    buf_char(to, ':');
    buf_uint(to, addr_port(s->flow->client));
    buf_str(to, STR(" ["));
    buf_str(to, clock_haproxy_date_at(s->begun_wall_ms));
    buf_str(to, STR("] "));
    buf_str(to, s->section->conf->name);
    buf_char(to, ' ');
    buf_str(to, backend.p == NULL ? s->section->conf->name : backend);
    buf_char(to, '/');
    if (server.p == NULL)
        server = s->exchange != NULL && s->exchange->for_stats ? STR("<STATS>")
                                                               : STR("<NOSRV>");
    buf_str(to, server);
    buf_char(to, ' ');
}

static void
put_times(struct buf *to, const int64_t *ms, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        put_int(to, ms[i]);
        buf_char(to, i + 1 < count ? '/' : ' ');
    }
}

static uint64_t
upstream_count(const struct subject *s)
{
    struct upstream *upstream = s->flow->upstream;

    return upstream == NULL ? 0 : upstream_connections(upstream);
}

static uint64_t
server_count(const struct subject *s)
{
    const struct server *server = flow_last_server(s->flow);

    return server == NULL
               ? 0
               : slot_count(s->engine->board, board_server_slot(server->row));
}

/* Whether a retry went to another server than the first. */
static bool
was_redispatched(const struct subject *s)
{
    const struct server *server = flow_last_server(s->flow);

    return server != NULL && s->flow->tried_count > 0 &&
           s->flow->tried[0] != server->index;
}

/* actconn/feconn/beconn/srv_conn/retries srv_queue/backend_queue */
static void
put_haproxy_counts(struct buf *to, const struct subject *s)
{
    const struct board *board = s->engine->board;

    buf_uint(to, slot_count(board, board_global_slot()));
    buf_char(to, '/');
    buf_uint(to, slot_count(board, board_section_slot(board, s->section->row)));
    buf_char(to, '/');
    buf_uint(to, upstream_count(s));
    buf_char(to, '/');
    buf_uint(to, server_count(s));
    buf_char(to, '/');
    if (was_redispatched(s))
        buf_char(to, '+');
    buf_uint(to, s->retries);
    buf_char(to, ' ');
    buf_uint(to, s->flow->place_of_server);
    buf_char(to, '/');
    buf_uint(to, s->flow->place_of_any);
}

/* -1 for no status; a request that is cut off counts as refused. */
static int
haproxy_status(const struct subject *s)
{
    int status = s->exchange->writer.status;

    if (status == 0)
        return s->exchange->refused && s->term[0] == 'C' ? 400 : -1;
    return status;
}

/* TR/Tw/Tc/Tr/Ta status bytes cookies flags counts "request" */
static void
write_httplog(struct buf *to, const struct subject *s)
{
    const struct http_exchange *exchange = s->exchange;
    const int64_t ms[] = {
        exchange->refused ? NOT_REACHED : ms_between(s->begun_us, s->ready_us),
        ms_waited(s),
        ms_between(s->picked_us, s->connected_us),
        ms_between(s->connected_us, s->response_us),
        ms_between(s->begun_us, clock_us()),
    };

    put_haproxy_start(to, s);
    put_times(to, ms, sizeof(ms) / sizeof(*ms));
    put_int(to, haproxy_status(s));
    buf_char(to, ' ');
    buf_uint(to, s->sent_bytes);
    buf_str(to, STR(" - - "));
    buf_add(to, s->term, 2);
    buf_str(to, STR("-- "));
    put_haproxy_counts(to, s);
    buf_str(to, STR(" \""));
    log_text_write(to, LOG_TEXT_HAPROXY,
                   exchange->refused ? STR("<BADREQ>") : request_line(s),
                   REQUEST_MAX);
    buf_char(to, '"');
}

/* |program|queries|transactions|errors: what is not known is empty, as in
 * HAProxy's captures. */
static void
put_captured_counts(struct buf *to, const struct subject *s)
{
    const struct mysql_count count = mysql_visible_count(s->session->visible);

    buf_char(to, '|');
    log_text_write(to, LOG_TEXT_HAPROXY, s->flow->program, FIELD_MAX);
    if (!count.known) {
        buf_str(to, STR("|||"));
        return;
    }
    buf_char(to, '|');
    buf_uint(to, count.queries);
    buf_char(to, '|');
    buf_uint(to, count.transactions);
    buf_char(to, '|');
    buf_uint(to, count.errors);
}

/* Tw/Tc/Tt bytes flags counts, and of a MySQL client that has said who it is,
 * in the form of HAProxy's captures, {user|schema}, and more where it is
 * visible */
static void
write_tcplog(struct buf *to, const struct subject *s)
{
    const int64_t ms[] = {
        ms_waited(s),
        ms_between(s->picked_us, s->connected_us),
        ms_between(s->begun_us, clock_us()),
    };

    put_haproxy_start(to, s);
    put_times(to, ms, sizeof(ms) / sizeof(*ms));
    buf_uint(to, s->sent_bytes);
    buf_char(to, ' ');
    buf_add(to, s->term, 2);
    buf_char(to, ' ');
    put_haproxy_counts(to, s);
    if (s->flow->user.p == NULL)
        return;
    buf_str(to, STR(" {"));
    log_text_write(to, LOG_TEXT_HAPROXY, s->flow->user, FIELD_MAX);
    buf_char(to, '|');
    log_text_write(to, LOG_TEXT_HAPROXY, s->flow->schema, FIELD_MAX);
    if (s->section->conf->visible)
        put_captured_counts(to, s);
    buf_char(to, '}');
}

/* --- json ----------------------------------------------------------------- */

static void
put_key(struct buf *to, const char *key)
{
    buf_str(to, STR(",\""));
    buf_str(to, str_from(key));
    buf_str(to, STR("\":"));
}

static void
put_json_text(struct buf *to, const char *key, struct str text)
{
    put_key(to, key);
    if (text.p == NULL) {
        buf_str(to, STR("null"));
        return;
    }
    buf_char(to, '"');
    log_text_write(to, LOG_TEXT_JSON, text, FIELD_MAX);
    buf_char(to, '"');
}

static void
put_json_uint(struct buf *to, const char *key, uint64_t n)
{
    put_key(to, key);
    buf_uint(to, n);
}

static void
put_json_ms(struct buf *to, const char *key, int64_t ms)
{
    put_key(to, key);
    if (ms < 0)
        buf_str(to, STR("null"));
    else
        put_int(to, ms);
}

static void
put_json_request(struct buf *to, const struct subject *s)
{
    const struct http_exchange *exchange = s->exchange;
    const struct http_request *head = &exchange->head;

    if (exchange->refused) {
        put_json_text(to, "request", exchange->first_line);
    } else {
        put_json_text(to, "method", head->method_name);
        put_json_text(to, "host", exchange->host);
        put_json_text(to, "uri", head->uri);
        put_json_text(to, "protocol",
                      head->minor == 0 ? STR("HTTP/1.0") : STR("HTTP/1.1"));
        put_json_text(to, "referer", header(s, HTTP_HEADER_REFERER));
        put_json_text(to, "user_agent", header(s, HTTP_HEADER_USER_AGENT));
    }
    put_json_uint(to, "status", (uint64_t)exchange->writer.status);
    put_json_uint(to, "body_bytes", writer_body_sent(&exchange->writer));
    put_json_ms(to, "upstream_ms", ms_between(s->picked_us, s->response_us));
}

/* What scripts add, as far as there is room: a record stays whole JSON. */
static void
put_json_extra(struct buf *to, const struct subject *s)
{
    unsigned count = s->exchange == NULL ? 0 : s->exchange->log_field_count;

    for (unsigned i = 0; i < count; i++) {
        const struct hook_field *field = &s->exchange->log_fields[i];
        char text[EXTRA_MAX];
        struct buf member;

        buf_init(&member, text, sizeof(text));
        buf_str(&member, STR(",\""));
        buf_str(&member, field->name);
        buf_str(&member, field->quoted ? STR("\":\"") : STR("\":"));
        log_text_write(&member, LOG_TEXT_JSON, field->value,
                       HOOK_FIELD_TEXT_MAX);
        if (field->quoted)
            buf_char(&member, '"');
        if (member.len < to->cap - to->len)
            buf_str(to, buf_text(&member));
    }
}

/* A null for what is not known: the session was blind, or never logged in. */
static void
put_json_count(struct buf *to, const char *key, bool known, uint64_t n)
{
    put_key(to, key);
    if (known)
        buf_uint(to, n);
    else
        buf_str(to, STR("null"));
}

static void
put_json_mysql(struct buf *to, const struct subject *s)
{
    const struct mysql_count count = mysql_visible_count(s->session->visible);

    put_json_text(to, "user", s->flow->user);
    put_json_text(to, "schema", s->flow->schema);
    put_json_text(to, "program", s->flow->program);
    if (!s->section->conf->visible)
        return;
    put_json_count(to, "queries", count.known, count.queries);
    put_json_count(to, "transactions", count.known, count.transactions);
    put_json_count(to, "errors", count.known, count.errors);
    put_json_count(to, "error", count.error != 0, count.error);
}

static void
write_json(struct buf *to, const struct subject *s)
{
    char client[ADDR_TEXT_MAX];

    buf_str(to, STR("{\"time\":\""));
    buf_str(to, clock_rfc3339_date());
    buf_char(to, '"');
    put_json_text(to, "listener", s->section->conf->name);
    put_json_text(
        to, "client",
        str_from(addr_format_host(s->flow->client, client, sizeof(client))));
    put_json_uint(to, "port", addr_port(s->flow->client));
    if (s->exchange != NULL)
        put_json_request(to, s);
    if (s->section->conf->kind == SECTION_MYSQL)
        put_json_mysql(to, s);
    put_json_uint(to, "bytes_sent", s->sent_bytes);
    put_json_text(to, "upstream", upstream_name(s));
    put_json_text(to, "server", server_name(s));
    put_json_uint(to, "retries", s->retries);
    put_json_text(to, "term", str_make(s->term, 2));
    put_json_ms(to, "queue_ms", (int64_t)(s->flow->queued_us / 1000));
    put_json_ms(to, "connect_ms", ms_between(s->picked_us, s->connected_us));
    put_json_ms(to, "time_ms", ms_between(s->begun_us, clock_us()));
    if (s->section->conf->log_sample > 1)
        put_json_uint(to, "sample", s->sample);
    put_json_extra(to, s);
    buf_char(to, '}');
}

/* --- templates ------------------------------------------------------------ */

static void
write_template(struct buf *to, const struct subject *s)
{
    const struct template *template = s->section->conf->access_log_template;
    char space[VARIABLE_SPACE];

    for (size_t i = 0; i < template->piece_count; i++) {
        const struct template_piece *piece = &template->pieces[i];
        struct str value;

        if (piece->variable == TEMPLATE_LITERAL) {
            buf_str(to, piece->text);
            continue;
        }
        value = s->exchange != NULL
                    ? variable_of_http(piece, s->exchange, space)
                    : variable_of_tcp(piece, s->session, space);
        if (value.len == 0)
            buf_char(to, '-');
        log_text_write(to, LOG_TEXT_NGINX, value, FIELD_MAX);
    }
}

/* --- records -------------------------------------------------------------- */

static void
write_line(struct buf *to, const struct subject *s)
{
    switch (s->section->conf->access_log) {
    case ACCESS_LOG_OFF:
        return;
    case ACCESS_LOG_COMBINED:
        write_combined(to, s);
        return;
    case ACCESS_LOG_HTTPLOG:
        write_httplog(to, s);
        return;
    case ACCESS_LOG_TCPLOG:
        write_tcplog(to, s);
        return;
    case ACCESS_LOG_JSON:
        write_json(to, s);
        return;
    case ACCESS_LOG_TEMPLATE:
        write_template(to, s);
        return;
    }
}

static bool
is_wanted(const struct subject *s)
{
    return s->engine->record != NULL &&
           s->section->conf->access_log != ACCESS_LOG_OFF &&
           log_sample_takes(s->section, s->sample);
}

/* HAProxy's dontlognull. What a client had sent before a server was there is
 * still in its socket. */
static bool
said_nothing(const struct tcp_session *session)
{
    int waiting = 0;

    if (session->up.bytes > 0 || session->flow.user.p != NULL)
        return false;
    return ioctl(session->client.fd, FIONREAD, &waiting) < 0 || waiting == 0;
}

/* A line that does not fit ends where a piece of it ends. */
static void
record(const struct subject *s)
{
    char text[RECORD_MAX];
    struct buf line;

    buf_init(&line, text, sizeof(text));
    write_line(&line, s);
    s->engine->record(s->engine->record_arg, (unsigned)s->section->row, line.p,
                      line.len);
}

/* A server that needs the whole body is wanted from then on. */
static uint64_t
ready_us(const struct exchange_times *times)
{
    bool waited = times->body_us > times->head_us &&
                  (times->picked_us == 0 || times->body_us <= times->picked_us);

    return waited ? times->body_us : times->head_us;
}

void
access_log_http(struct http_exchange *exchange)
{
    const struct exchange_times *times = &exchange->times;
    const struct subject s = {
        .engine = exchange->engine,
        .section = &exchange->section->section,
        .flow = &exchange->flow,
        .exchange = exchange,
        .begun_us = times->first_us,
        .begun_wall_ms = times->wall_ms,
        .ready_us = ready_us(times),
        .picked_us = times->picked_us,
        .connected_us = times->connected_us,
        .response_us = times->response_us,
        .sent_bytes = exchange->writer.sent_bytes,
        .retries = exchange->retries,
        .term = exchange->term,
        .sample = log_sample_weight(&exchange->section->section,
                                    exchange->writer.status, exchange->term),
    };

    if (exchange->hooks != NULL && exchange->hooks->log != NULL)
        exchange->hooks->log(exchange->hooks->arg, exchange);
    if (is_wanted(&s))
        record(&s);
}

bool
access_log_has_member(struct str name)
{
    static const char *const members[] = {
        "time",       "listener",     "client",     "port",       "request",
        "method",     "host",         "uri",        "protocol",   "referer",
        "user_agent", "status",       "body_bytes", "bytes_sent", "upstream",
        "server",     "upstream_ms",  "retries",    "term",       "queue_ms",
        "connect_ms", "time_ms",      "user",       "schema",     "program",
        "queries",    "transactions", "errors",     "error",      "sample",
    };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (str_equal(name, str_from(members[i])))
            return true;
    }
    return false;
}

void
access_log_tcp(struct tcp_session *session)
{
    const struct subject s = {
        .engine = session->dial.engine,
        .section = session->section,
        .flow = &session->flow,
        .session = session,
        .begun_us = session->accepted_us,
        .begun_wall_ms = session->accepted_wall_ms,
        .ready_us = session->accepted_us,
        .picked_us = session->picked_us,
        .connected_us = session->connected_us,
        .sent_bytes = session->down.bytes,
        .retries = session->retries,
        .term = session->term,
        .sample = log_sample_weight(session->section, 0, session->term),
    };

    if (!session->section->conf->log_null && said_nothing(session))
        return;
    if (is_wanted(&s))
        record(&s);
}
