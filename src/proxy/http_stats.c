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

struct http_stats {
    struct http_exchange *exchange; /* NULL: it has gone on */
    struct stream stream;           /* to control */
    struct timer timer;             /* control says nothing */
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

static void
on_cleanup(struct deferred *cleanup)
{
    struct http_stats *s = container_of(cleanup, struct http_stats, cleanup);

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

/* It is the client who is slow while something waits for it. */
static void
on_timer(struct timer *timer)
{
    struct http_stats *s = container_of(timer, struct http_stats, timer);
    struct http_exchange *exchange = s->exchange;

    if (spool_is_empty(&exchange->writer.spool))
        fail(s, 504, "sH", "control says nothing");
    else
        loop_start_timer(exchange->engine->loop, timer,
                         exchange->limits.server_timeout_ms);
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

/* Hands it in, with one end of a pair. Returns the other; -1 with errno. */
static int
hand_in(struct http_exchange *exchange)
{
    struct engine *engine = exchange->engine;
    char memory[HTTP_STATS_TEXT_MAX];
    struct buf text;
    int pair[2];
    int result;

    buf_init(&text, memory, sizeof(memory));
    put_request(&text, exchange);
    if (text.failed) {
        errno = E2BIG;
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   pair) < 0)
        return -1;
    result = engine->ask_stats(engine->ask_stats_arg, pair[1], buf_text(&text));
    explicit_bzero(memory, sizeof(memory)); /* there is a password in it */
    close(pair[1]);
    if (result == 0)
        return pair[0];
    close(pair[0]);
    return -1;
}

static struct http_stats *
open_answer(struct http_exchange *exchange)
{
    struct http_stats *s = calloc(1, sizeof(*s));
    int fd = s == NULL ? -1 : hand_in(exchange);

    if (fd >= 0 &&
        stream_open(&s->stream, exchange->engine->loop, fd, on_ready) == 0)
        return s;
    if (fd >= 0)
        close(fd);
    free(s);
    return NULL;
}

void
http_stats_start(struct http_exchange *exchange)
{
    struct http_stats *s;

    exchange->for_stats = true;
    s = open_answer(exchange);
    if (s == NULL) {
        int error = errno;

        log_warn("cannot hand a request to the statistics in: %s "
                 "section=" STR_FMT " path=" STR_FMT,
                 error == EAGAIN ? "too many wait there" : strerror(error),
                 STR_ARG(exchange->flow.section), STR_ARG(exchange->path));
        exchange_fail(exchange, error == E2BIG ? 431 : 503, "SC");
        return;
    }
    s->exchange = exchange;
    timer_init(&s->timer, on_timer);
    deferred_init(&s->cleanup, on_cleanup);
    answer_init(&s->answer, exchange);
    exchange->handler = &handler;
    exchange->handler_data = s;
    loop_start_timer(exchange->engine->loop, &s->timer,
                     exchange->limits.server_timeout_ms);
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
