/* SPDX-License-Identifier: MIT */
#include "proxy/http_stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "codec/http1.h"
#include "codec/uri.h"
#include "net/loop.h"
#include "net/stream.h"
#include "proxy/engine.h"
#include "proxy/fastcgi_answer.h"
#include "proxy/http_answer.h"
#include "proxy/http_exchange.h"
#include "proxy/http_route.h"
#include "proxy/http_section.h"

enum {
    AGAIN_MS = 20,  /* control has no room: the next attempt */
    BUSY_MS = 2000, /* until it is given up */
};

struct http_stats {
    struct http_exchange *exchange; /* NULL: it has gone on */
    struct stream stream;           /* to control */
    int theirs;                     /* its other end, until control has it */
    struct buf text;                /* likewise */
    uint64_t since_ms;              /* the first attempt */
    struct timer timer;             /* the next one; control says nothing */
    struct deferred cleanup;        /* frees it */
    struct fastcgi_answer answer;
};

/* --- the request ---------------------------------------------------------- */

/* What an answer depends on. */
static const enum http_header fields[] = {
    HTTP_HEADER_HOST,          HTTP_HEADER_ORIGIN,
    HTTP_HEADER_AUTHORIZATION, HTTP_HEADER_ACCEPT_LANGUAGE,
    HTTP_HEADER_CONTENT_TYPE,
};

static void
put_fields(struct buf *to, const struct http_exchange *exchange)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        const struct http_field *field =
            http_find(&exchange->head.fields, fields[i]);

        if (field != NULL)
            http1_write_field(to, field->name, field->value);
    }
}

static void
put_body(struct buf *to, struct spool *body)
{
    char bytes[HTTP_STATS_BODY_MAX];
    struct iovec iov;
    size_t n = 0;
    ssize_t got;
    off_t at;
    int fd;

    while (!to->failed && !spool_is_empty(body)) {
        if (spool_peek(body, &iov, 1) > 0) {
            n = iov.iov_len;
            buf_add(to, iov.iov_base, n);
        } else {
            n = spool_peek_file(body, &fd, &at);
            n = n < sizeof(bytes) ? n : sizeof(bytes);
            got = pread(fd, bytes, n, at);
            n = got > 0 ? (size_t)got : 0;
            buf_add(to, bytes, n);
        }
        to->failed = to->failed || n == 0;
        spool_consume(body, n);
    }
}

/* A client of a Unix socket has no name of its own. */
static const char *
client_text(const struct http_exchange *exchange, char text[ADDR_TEXT_MAX])
{
    if (exchange->client.sa.sa_family == AF_UNIX)
        return "unix:";
    return addr_format(&exchange->client, text, ADDR_TEXT_MAX);
}

static void
put_request(struct buf *to, struct http_exchange *exchange)
{
    const struct route_conf *route = exchange->route->conf;
    bool with_body = exchange_wants_body(exchange);
    char client[ADDR_TEXT_MAX];

    buf_printf(to, STR_FMT " " STR_FMT " %s\n" STR_FMT " ",
               STR_ARG(route->stats->name), STR_ARG(route->pattern),
               client_text(exchange, client), STR_ARG(exchange->method_name));
    uri_write_path(to, exchange->path);
    if (exchange->query.p != NULL)
        buf_printf(to, "?" STR_FMT, STR_ARG(exchange->query));
    buf_printf(to, " HTTP/1.%d\r\n", exchange->head.minor);
    put_fields(to, exchange);
    if (with_body)
        http1_write_field_uint(to, STR("Content-Length"),
                               spool_len(&exchange->body));
    http1_write_end(to);
    if (with_body)
        put_body(to, &exchange->body);
}

/* --- its end -------------------------------------------------------------- */

/* What was to be handed over. */
static void
forget_request(struct http_stats *s)
{
    if (s->theirs >= 0)
        close(s->theirs);
    s->theirs = -1;
    if (s->text.p != NULL)
        explicit_bzero(s->text.p, s->text.len); /* there is a password in it */
    buf_fini(&s->text);
}

static void
on_cleanup(struct deferred *cleanup)
{
    struct http_stats *s = container_of(cleanup, struct http_stats, cleanup);

    forget_request(s);
    answer_drop(&s->answer);
    free(s);
}

/* The exchange is on its own again. */
static struct http_exchange *
let_go(struct http_stats *s)
{
    struct http_exchange *exchange = s->exchange;

    s->exchange = NULL;
    exchange->handler = NULL;
    stream_close(&s->stream);
    timer_stop(&s->timer);
    loop_defer(exchange->engine->loop, &s->cleanup);
    return exchange;
}

static void
fail(struct http_stats *s, int status, const char *flags, const char *why)
{
    struct http_exchange *exchange = let_go(s);

    log_warn("the statistics do not answer: %s section=" STR_FMT
             " path=" STR_FMT,
             why, STR_ARG(exchange->flow.section), STR_ARG(exchange->path));
    exchange_fail(exchange, status, flags);
}

/* --- the answer ----------------------------------------------------------- */

static void
take(struct http_stats *s, struct str bytes)
{
    struct http_exchange *exchange = s->exchange;
    struct cgi_response head;
    ssize_t taken;

    if (!s->answer.begun) {
        taken = answer_read_head(&head, &bytes, &s->answer, bytes);
        if (taken < 0)
            fail(s, 502, "SH", cgi_error_text((enum cgi_error)taken));
        if (taken <= 0)
            return;
        exchange->times.response_us = clock_us();
        answer_begin(&s->answer, &head);
    }
    answer_add(&s->answer, bytes);
    exchange_flush(exchange);
}

static void
end(struct http_stats *s)
{
    struct http_exchange *exchange;

    if (!s->answer.begun) {
        fail(s, 503, "SH", "control has left");
        return;
    }
    exchange = let_go(s);
    writer_end(&exchange->writer);
    exchange_finish(exchange);
}

/* As long as the client takes what has come. */
static void
pump(struct http_stats *s)
{
    while (s->exchange != NULL && s->stream.readable &&
           spool_is_empty(&s->exchange->writer.spool)) {
        struct engine *engine = s->exchange->engine;
        ssize_t n = stream_read(&s->stream, engine->scratch, ENGINE_SCRATCH);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            end(s);
            return;
        }
        loop_start_timer(engine->loop, &s->timer,
                         s->exchange->limits.server_timeout_ms);
        take(s, str_make((const char *)engine->scratch, (size_t)n));
    }
}

static void
on_ready(struct stream *stream)
{
    pump(container_of(stream, struct http_stats, stream));
}

static void
on_drained(struct http_exchange *exchange)
{
    pump(exchange->handler_data);
}

static void
on_abort(struct http_exchange *exchange, const char *reason)
{
    (void)reason;
    (void)let_go(exchange->handler_data);
}

static const struct exchange_handler handler = {
    .name = "stats",
    .on_drained = on_drained,
    .abort = on_abort,
};

/* --- beginnings ----------------------------------------------------------- */

static void
wait_for(struct http_stats *s, uint64_t ms)
{
    loop_start_timer(s->exchange->engine->loop, &s->timer, ms);
}

/* A burst is let go over; then control is too busy. */
static void
hand_in(struct http_stats *s)
{
    struct engine *engine = s->exchange->engine;

    if (engine->ask_stats(engine->ask_stats_arg, s->theirs,
                          buf_text(&s->text)) == 0) {
        forget_request(s);
        wait_for(s, s->exchange->limits.server_timeout_ms);
        return;
    }
    if (errno != EAGAIN)
        fail(s, 503, "SC", strerror(errno));
    else if (clock_ms() - s->since_ms >= BUSY_MS)
        fail(s, 503, "SC", "too many requests wait for them");
    else
        wait_for(s, AGAIN_MS);
}

/* It is the client who is slow while something waits for it. */
static void
on_timer(struct timer *timer)
{
    struct http_stats *s = container_of(timer, struct http_stats, timer);

    if (s->theirs >= 0)
        hand_in(s);
    else if (spool_is_empty(&s->exchange->writer.spool))
        fail(s, 504, "sH", "control says nothing");
    else
        wait_for(s, s->exchange->limits.server_timeout_ms);
}

/* NULL with errno. */
static struct http_stats *
new_stats(struct http_exchange *exchange)
{
    struct http_stats *s = calloc(1, sizeof(*s));
    int pair[2];

    if (s == NULL ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   pair) < 0) {
        free(s);
        return NULL;
    }
    if (stream_open(&s->stream, exchange->engine->loop, pair[0], on_ready) <
        0) {
        close(pair[0]);
        close(pair[1]);
        free(s);
        return NULL;
    }
    s->exchange = exchange;
    s->theirs = pair[1];
    s->since_ms = clock_ms();
    buf_init_growing(&s->text, HTTP_STATS_TEXT_MAX);
    timer_init(&s->timer, on_timer);
    deferred_init(&s->cleanup, on_cleanup);
    answer_init(&s->answer, exchange);
    return s;
}

void
http_stats_start(struct http_exchange *exchange)
{
    struct http_stats *s = new_stats(exchange);

    exchange->for_stats = true;
    if (s == NULL) {
        log_warn("cannot ask for the statistics: %s section=" STR_FMT,
                 strerror(errno), STR_ARG(exchange->flow.section));
        exchange_fail(exchange, 503, "SC");
        return;
    }
    exchange->handler = &handler;
    exchange->handler_data = s;
    put_request(&s->text, exchange);
    if (s->text.failed)
        fail(s, 431, "PR", "the request is too large");
    else
        hand_in(s);
}

void
http_stats_prepare(struct http_exchange *exchange)
{
    const struct route_conf *route = exchange->route->conf;

    exchange->max_body_bytes = route->max_body_bytes < HTTP_STATS_BODY_MAX
                                   ? route->max_body_bytes
                                   : HTTP_STATS_BODY_MAX;
    exchange->limits = exchange->section->section.conf->limits;
    if (route->server_timeout_ms != 0)
        exchange->limits.server_timeout_ms = route->server_timeout_ms;
    if (exchange_is_too_large(exchange)) {
        exchange_fail(exchange, 413, "PR");
        return;
    }
    exchange->state = exchange_wants_body(exchange) && !exchange->body_whole
                          ? EXCHANGE_BODY
                          : EXCHANGE_START;
}
