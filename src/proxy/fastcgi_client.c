/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving go on side by side: php-fpm may answer, and even end,
 * before it has read the whole body.
 *
 * After exchange_finish, exchange_fail and exchange_reroute the exchange and
 * all that is in its arena may be gone: they are called last, always.
 */
#include "proxy/fastcgi_client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/counters.h"
#include "codec/cgi.h"
#include "codec/fcgi.h"
#include "proxy/dial.h"
#include "proxy/engine.h"
#include "proxy/fastcgi_answer.h"
#include "proxy/fastcgi_params.h"
#include "proxy/fastcgi_sender.h"
#include "proxy/http_answer.h"
#include "proxy/http_exchange.h"

enum {
    STDERR_LINE_MAX = 1024, /* bytes of STDERR in one log line */
};

struct fastcgi_receiver {
    const uint8_t *p; /* what was read and is not yet taken: in the engine's
                         scratch, so nothing of it stays there */
    size_t n;
    uint8_t rest[FCGI_HEADER_LEN]; /* of it, what is no whole header or end */
    size_t rest_len;
    struct fcgi_header record; /* that is being read */
    size_t content_left;
    size_t padding_left;
    bool started; /* a byte has come */
    bool ended;   /* END_REQUEST has come */
    bool paused;  /* the client must take some first */
};

struct fastcgi {
    struct http_exchange *exchange;
    struct fastcgi_script script;
    struct dial dial;
    struct server_conn *conn; /* NULL until connected */
    struct timer timer;       /* server_timeout */
    uint64_t active_ms;       /* of the last byte in either direction */
    int refused_status;       /* of an answer that another was to replace; 0 */
    bool keep;                /* the server was asked to keep the connection */
    uint64_t bytes_out;       /* received from it */
    struct fastcgi_sender sender;
    struct fastcgi_receiver receiver;
    struct fastcgi_answer answer;
};

static void run(struct fastcgi *f);

/* --- ends ----------------------------------------------------------------- */

static void
drop_buffers(struct fastcgi *f)
{
    sender_drop(&f->sender);
    answer_drop(&f->answer);
}

static void
count_traffic(struct fastcgi *f, const struct server *server)
{
    struct server_counters *counters = upstream_counters(server);

    counter_add(&counters->bytes_in, f->sender.bytes);
    counter_add(&counters->bytes_out, f->bytes_out);
    f->bytes_out = 0;
}

static struct flow_result
result_of(const struct fastcgi *f, const char *error)
{
    const struct http_exchange *exchange = f->exchange;
    const struct exchange_times *times = &exchange->times;

    return (struct flow_result){
        .ok = error == NULL,
        .error = error,
        .status = exchange->writer.status,
        .connect_ms = (double)(times->connected_us - times->picked_us) / 1000.0,
        .total_ms = (double)(clock_us() - times->picked_us) / 1000.0,
        .bytes_in = spool_len(&exchange->body),
        .bytes_out = exchange->writer.body_bytes,
    };
}

/* Whether the answer has ended and nothing stands behind it, which would be
 * taken for the next one. */
static bool
answer_is_all(const struct fastcgi_receiver *r)
{
    return r->ended && r->padding_left == 0 && r->n == 0;
}

/* Lets go of the server: the connection is kept where that was agreed on and
 * nothing is under way on it. */
static void
let_go(struct fastcgi *f, const char *error)
{
    struct server_conn *conn = f->conn;
    struct flow_result result = result_of(f, error);
    bool keep = error == NULL && f->keep && answer_is_all(&f->receiver) &&
                f->sender.done && conn != NULL && !conn->stream.hung_up &&
                !conn->stream.readable && pool_wants(conn->server);

    timer_stop(&f->timer);
    dial_stop(&f->dial);
    drop_buffers(f);
    f->conn = NULL;
    if (conn == NULL)
        return;
    count_traffic(f, conn->server);
    if (keep)
        pool_keep(conn);
    else
        pool_close(conn);
    upstream_give(&f->exchange->flow, &result, keep);
}

static void
fail(struct fastcgi *f, int status, const char *flags, const char *reason)
{
    struct http_exchange *exchange = f->exchange;

    log_warn("request failed: %s upstream=" STR_FMT " request=\"" STR_FMT
             " " STR_FMT "\" status=%d",
             reason, STR_ARG(exchange->flow.upstream->conf->name),
             STR_ARG(exchange->head.method_name), STR_ARG(exchange->head.uri),
             status);
    let_go(f, reason);
    exchange_fail(exchange, status, flags);
}

static bool
is_safe_method(const struct http_exchange *exchange)
{
    switch (exchange->method) {
    case HTTP_METHOD_GET:
    case HTTP_METHOD_HEAD:
    case HTTP_METHOD_OPTIONS:
        return true;
    default:
        return false;
    }
}

/* Whether the request may go to another server: always while nothing of it has
 * left, and later only if it asks for nothing to be done (RFC 9110, 9.2.2) and
 * nothing of the answer has come, unless it is the answer that is refused. */
static bool
may_go_again(const struct fastcgi *f, enum retry_on why)
{
    if (f->answer.begun)
        return false;
    if (f->sender.bytes == 0)
        return true;
    if (!is_safe_method(f->exchange))
        return false;
    return !f->receiver.started ||
           (why & (RETRY_ON_502 | RETRY_ON_503 | RETRY_ON_504)) != 0;
}

static void
reset_transfer(struct fastcgi *f)
{
    drop_buffers(f);
    sender_init(&f->sender, f->exchange->engine->buffers, &f->exchange->body);
    f->receiver = (struct fastcgi_receiver){0};
    answer_init(&f->answer, f->exchange);
    spool_rewind(&f->exchange->body);
}

/* The server failed the request: another one is asked, or the client is told.
 */
static void
server_failed(struct fastcgi *f, enum retry_on why, int status,
              const char *flags, const char *reason)
{
    struct server *server = f->exchange->flow.server;

    if (may_go_again(f, why)) {
        timer_stop(&f->timer);
        count_traffic(f, server);
        reset_transfer(f);
        pool_close(f->conn);
        f->conn = NULL;
        if (dial_again(&f->dial, why, reason))
            return;
    }
    fail(f, status, flags, reason);
}

static void
connection_lost(struct fastcgi *f, const char *reason)
{
    server_failed(f, f->sender.bytes > 0 ? RETRY_ON_RESET : RETRY_ON_CONNECT,
                  502, f->answer.begun ? "SD" : "SH", reason);
}

static void
complete(struct fastcgi *f)
{
    struct http_exchange *exchange = f->exchange;

    writer_end(&exchange->writer);
    exchange_flush(exchange);
    let_go(f, NULL);
    exchange_finish(exchange);
}

/* --- sending -------------------------------------------------------------- */

/* Sends what the server takes.  false: the exchange has failed. */
static bool
send_some(struct fastcgi *f)
{
    uint64_t bytes_before = f->sender.bytes;
    enum sender_result result = sender_run(&f->sender, &f->conn->stream);

    if (f->sender.bytes != bytes_before)
        f->active_ms = clock_ms();
    switch (result) {
    case SENDER_FINE:
        return true;
    case SENDER_STOPPED:
        f->keep = false;
        return true;
    case SENDER_LOST:
        connection_lost(f, strerror(errno));
        return false;
    case SENDER_BROKEN:
        fail(f, 500, "RC", "the request could not be put together");
        return false;
    }
    return false;
}

/* --- the response's head -------------------------------------------------- */

static unsigned
retry_bit_of(int status)
{
    switch (status) {
    case 502:
        return RETRY_ON_502;
    case 503:
        return RETRY_ON_503;
    case 504:
        return RETRY_ON_504;
    default:
        return 0;
    }
}

/* The application names a file, or another of its pages, to answer with. */
static void
redirect_inside(struct fastcgi *f, const struct cgi_response *response,
                struct str uri)
{
    struct http_exchange *exchange = f->exchange;

    if (answer_redirect(&f->answer, response, uri) < 0) {
        fail(f, 502, "PH", "X-Accel-Redirect names no path");
        return;
    }
    f->keep = false;
    let_go(f, NULL);
    flow_reroute(&exchange->flow);
    if (!exchange_reroute(exchange))
        exchange_fail(exchange, 500, "PH");
}

/* The head is whole.  false: the exchange goes another way now. */
static bool
take_head(struct fastcgi *f, const struct cgi_response *response)
{
    struct http_exchange *exchange = f->exchange;
    unsigned retry = retry_bit_of(response->status);
    struct str inside =
        http_value(&response->fields, HTTP_HEADER_X_ACCEL_REDIRECT);

    counter_add_status(upstream_counters(f->conn->server), response->status);
    if ((f->dial.limits->retry_on & retry) != 0 && is_safe_method(exchange) &&
        f->dial.attempts <= f->dial.limits->retries) {
        f->refused_status = response->status;
        server_failed(f, (enum retry_on)retry, response->status, "SH",
                      http_reason(response->status));
        return false;
    }
    exchange->times.response_us = clock_us();
    if (inside.p != NULL) {
        redirect_inside(f, response, inside);
        return false;
    }
    answer_begin(&f->answer, response);
    return true;
}

/* --- receiving ------------------------------------------------------------ */

static bool
take_head_bytes(struct fastcgi *f, struct str bytes)
{
    struct cgi_response response;
    struct str body;
    ssize_t taken = answer_read_head(&response, &body, &f->answer, bytes);

    if (taken < 0) {
        fail(f, 502, "PH", cgi_error_text((enum cgi_error)taken));
        return false;
    }
    if (taken == 0)
        return true;
    if (!take_head(f, &response))
        return false;
    answer_add(&f->answer, body);
    return true;
}

static bool
take_stdout(struct fastcgi *f, struct str bytes)
{
    if (!f->answer.begun)
        return take_head_bytes(f, bytes);
    answer_add(&f->answer, bytes);
    return true;
}

static void
take_stderr(struct fastcgi *f, struct str bytes)
{
    const struct http_exchange *exchange = f->exchange;
    char client[ADDR_TEXT_MAX];

    while (bytes.len > 0 &&
           (bytes.p[bytes.len - 1] == '\n' || bytes.p[bytes.len - 1] == '\r'))
        bytes.len--;
    if (bytes.len > STDERR_LINE_MAX)
        bytes.len = STDERR_LINE_MAX;
    if (bytes.len == 0)
        return;
    log_error("server " STR_FMT "/" STR_FMT " wrote to STDERR: " STR_FMT
              " client=%s request=\"" STR_FMT " " STR_FMT "\"",
              STR_ARG(exchange->flow.upstream->conf->name),
              STR_ARG(f->conn->server->conf->name), STR_ARG(bytes),
              addr_format(&exchange->client, client, sizeof(client)),
              STR_ARG(exchange->head.method_name), STR_ARG(exchange->head.uri));
}

/* END_REQUEST, whose content lies whole at P.  false: the exchange failed. */
static bool
take_end(struct fastcgi *f, const uint8_t *p)
{
    struct fcgi_end end = {0};

    /* Its length was seen to be right when its header was read. */
    if (fcgi_read_end(&end, p, FCGI_END_LEN) < 0 ||
        end.status != FCGI_REQUEST_COMPLETE) {
        server_failed(f, RETRY_ON_503, 503, "SH", fcgi_status_text(end.status));
        return false;
    }
    if (!f->answer.begun) {
        server_failed(f, RETRY_ON_502, 502, "SH",
                      "the server ended its answer before the head");
        return false;
    }
    f->receiver.ended = true;
    return true;
}

/* Takes N bytes off what was read. */
static const uint8_t *
take_bytes(struct fastcgi_receiver *r, size_t n)
{
    const uint8_t *p = r->p;

    r->p += n;
    r->n -= n;
    return p;
}

/* Takes content of the present record; false: the exchange has ended. */
static bool
take_content(struct fastcgi *f)
{
    struct fastcgi_receiver *r = &f->receiver;
    size_t n = r->n < r->content_left ? r->n : r->content_left;
    const uint8_t *p = take_bytes(r, n);
    struct str bytes = str_make((const char *)p, n);

    r->content_left -= n;
    switch (r->record.type) {
    case FCGI_STDOUT:
        return take_stdout(f, bytes);
    case FCGI_STDERR:
        take_stderr(f, bytes);
        return true;
    case FCGI_END_REQUEST:
        return take_end(f, p);
    default:
        return true;
    }
}

/* Begins the next record; false when its header is not whole. */
static bool
take_header(struct fastcgi *f)
{
    struct fastcgi_receiver *r = &f->receiver;
    ssize_t taken = fcgi_read_header(&r->record, r->p, r->n);

    if (taken <= 0)
        return false;
    (void)take_bytes(r, (size_t)taken);
    r->content_left = r->record.content_len;
    r->padding_left = r->record.padding_len;
    /* What is not about our request is passed over. */
    if (r->record.request_id != FASTCGI_REQUEST_ID)
        r->record.type = FCGI_UNKNOWN_TYPE;
    return true;
}

static bool
is_wrong_record(const struct fastcgi_receiver *r)
{
    struct fcgi_header header;

    return fcgi_read_header(&header, r->p, r->n) < 0;
}

static void
skip_padding(struct fastcgi_receiver *r)
{
    size_t n = r->n < r->padding_left ? r->n : r->padding_left;

    (void)take_bytes(r, n);
    r->padding_left -= n;
}

/* Its length is known before its content, and may be none at all. */
static bool
is_wrong_end(const struct fcgi_header *record)
{
    return record->type == FCGI_END_REQUEST &&
           record->content_len != FCGI_END_LEN;
}

/* An END_REQUEST is taken in one piece. */
static bool
waits_for_more(const struct fastcgi_receiver *r)
{
    return r->n == 0 ||
           (r->content_left > 0 && r->record.type == FCGI_END_REQUEST &&
            r->n < r->content_left);
}

/* Goes through what was read.  false: the exchange has ended. */
static bool
take_records(struct fastcgi *f)
{
    struct fastcgi_receiver *r = &f->receiver;

    while (!r->ended && !waits_for_more(r)) {
        if (r->content_left > 0) {
            if (!take_content(f))
                return false;
        } else if (r->padding_left > 0) {
            skip_padding(r);
        } else if (!take_header(f)) {
            if (!is_wrong_record(r))
                return true;
            fail(f, 502, f->answer.begun ? "PD" : "PH",
                 "the server does not speak FastCGI");
            return false;
        } else if (is_wrong_end(&r->record)) {
            fail(f, 502, f->answer.begun ? "PD" : "PH",
                 "a record that ends a request has a wrong length");
            return false;
        }
    }
    return true;
}

static void
keep_rest(struct fastcgi_receiver *r)
{
    assert(r->n < sizeof(r->rest));
    r->rest_len = r->n;
    memcpy(r->rest, take_bytes(r, r->n), r->rest_len);
}

enum receive_result {
    RECEIVE_MORE, /* there may be more to read */
    RECEIVE_WAIT, /* for an edge */
    RECEIVE_GONE, /* the exchange has left this server: do not touch it */
};

static enum receive_result
receive_once(struct fastcgi *f)
{
    struct fastcgi_receiver *r = &f->receiver;
    uint8_t *space = f->exchange->engine->scratch;
    ssize_t n = stream_read(&f->conn->stream, space + r->rest_len,
                            ENGINE_SCRATCH - r->rest_len);

    if (n < 0 && errno == EAGAIN)
        return RECEIVE_WAIT;
    if (n <= 0) {
        connection_lost(f, n == 0 ? "the server closed the connection"
                                  : strerror(errno));
        return RECEIVE_GONE;
    }
    memcpy(space, r->rest, r->rest_len);
    r->p = space;
    r->n = r->rest_len + (size_t)n;
    r->rest_len = 0;
    r->started = true;
    f->active_ms = clock_ms();
    f->bytes_out += (uint64_t)n;
    if (!take_records(f))
        return RECEIVE_GONE;
    if (r->ended) {
        complete(f);
        return RECEIVE_GONE;
    }
    keep_rest(r);
    exchange_flush(f->exchange);
    return RECEIVE_MORE;
}

static void
run(struct fastcgi *f)
{
    enum receive_result result = RECEIVE_MORE;

    if (!send_some(f))
        return;
    f->receiver.paused = false;
    while (result == RECEIVE_MORE && f->conn->stream.readable) {
        f->receiver.paused = spool_is_full(&f->exchange->writer.spool);
        if (f->receiver.paused)
            break;
        result = receive_once(f);
    }
}

static void
on_server(struct stream *stream)
{
    struct fastcgi *f = server_conn_of(stream)->owner;

    run(f);
}

/* --- time, client, start -------------------------------------------------- */

static void
on_timer(struct timer *timer)
{
    struct fastcgi *f = container_of(timer, struct fastcgi, timer);
    uint64_t limit_ms = f->exchange->limits.server_timeout_ms;
    uint64_t idle_ms = clock_ms() - f->active_ms;

    /* While the client is slow, the server is not to blame. */
    if (f->receiver.paused)
        idle_ms = 0;
    if (idle_ms < limit_ms) {
        loop_start_timer(f->exchange->engine->loop, timer, limit_ms - idle_ms);
        return;
    }
    server_failed(f, RETRY_ON_TIMEOUT, 504, f->answer.begun ? "sD" : "sH",
                  "server timed out");
}

static void
on_drained(struct http_exchange *exchange)
{
    struct fastcgi *f = exchange->handler_data;

    if (f->receiver.paused && f->conn != NULL &&
        !spool_is_full(&exchange->writer.spool)) {
        f->active_ms = clock_ms();
        run(f);
    }
}

static void
on_abort(struct http_exchange *exchange, const char *reason)
{
    struct fastcgi *f = exchange->handler_data;

    (void)reason;
    f->keep = false;
    let_go(f, NULL);
}

static const struct exchange_handler handler = {
    .name = "fastcgi",
    .on_drained = on_drained,
    .abort = on_abort,
};

static void
no_server(struct fastcgi *f, enum dial_result result)
{
    switch (result) {
    case DIAL_CONNECTED:
        return;
    case DIAL_DOWN:
        fail(f, 503, "SC", f->dial.reason);
        return;
    case DIAL_FULL:
        fail(f, 503, "PC", f->dial.reason);
        return;
    case DIAL_REFUSED:
        fail(f, 503, "PR", f->dial.reason);
        return;
    case DIAL_FAILED:
        fail(f, f->refused_status != 0 ? f->refused_status : 502, "SC",
             f->dial.reason);
        return;
    case DIAL_TIMEOUT:
        fail(f, 504, "sC", f->dial.reason);
        return;
    }
}

static void
on_dialled(struct dial *dial, enum dial_result result)
{
    struct fastcgi *f = container_of(dial, struct fastcgi, dial);
    struct http_exchange *exchange = f->exchange;

    exchange->times.picked_us = dial->picked_us;
    exchange->retries = dial->attempts > 0 ? dial->attempts - 1 : 0;
    if (result != DIAL_CONNECTED) {
        no_server(f, result);
        return;
    }
    exchange->times.connected_us = clock_us();
    f->conn = dial->conn;
    f->conn->owner = f;
    f->conn->stream.on_ready = on_server;
    f->active_ms = clock_ms();
    loop_start_timer(exchange->engine->loop, &f->timer,
                     exchange->limits.server_timeout_ms);
    f->keep = pool_wants(f->conn->server);
    sender_begin(&f->sender, exchange, &f->script, f->conn->server, f->keep);
    run(f);
}

bool
fastcgi_prepare(struct http_exchange *exchange)
{
    struct fastcgi *f = arena_alloc(&exchange->arena, sizeof(*f));

    if (f == NULL) {
        exchange_fail(exchange, 500, "RC");
        return false;
    }
    memset(f, 0, sizeof(*f));
    f->exchange = exchange;
    switch (fastcgi_find_script(&f->script, exchange)) {
    case FASTCGI_SCRIPT:
        exchange->handler_data = f;
        return true;
    case FASTCGI_INDEX:
        if (!exchange_reroute(exchange))
            exchange_fail(exchange, 500, "PR");
        return false;
    case FASTCGI_NONE:
        exchange_fail(exchange, 404, NULL);
        return false;
    }
    return false;
}

void
fastcgi_start(struct http_exchange *exchange)
{
    struct fastcgi *f = exchange->handler_data;

    exchange->handler = &handler;
    timer_init(&f->timer, on_timer);
    reset_transfer(f);
    dial_init(&f->dial, exchange->engine, &exchange->flow, &exchange->limits,
              on_dialled);
    dial_start(&f->dial);
}
