/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving go on side by side: php-fpm may answer, and even end,
 * before it has read the whole body.
 *
 * After exchange_finish, exchange_fail and exchange_reroute the exchange and
 * all that is in its arena may be gone: they are called last, always.
 */
#include "proxy/fastcgi_client.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/counters.h"
#include "codec/cgi.h"
#include "codec/fcgi.h"
#include "proxy/capture.h"
#include "proxy/dial.h"
#include "proxy/engine.h"
#include "proxy/fastcgi_answer.h"
#include "proxy/fastcgi_params.h"
#include "proxy/fastcgi_receiver.h"
#include "proxy/fastcgi_sender.h"
#include "proxy/http_answer.h"
#include "proxy/http_exchange.h"
#include "proxy/http_section.h"

enum {
    STDERR_LINE_MAX = 1024, /* bytes of STDERR in one log line */
    READS_MAX = 16,         /* of the scratch, in one turn of the loop */
};

struct fastcgi {
    struct http_exchange *exchange;
    struct fastcgi_script script;
    struct dial dial;
    struct server_conn *conn; /* NULL until connected */
    struct timer timer;       /* server_timeout */
    uint64_t active_ms;       /* of the last byte in either direction */
    uint64_t body_bytes;      /* of the request */
    int refused_status;       /* of an answer that another was to replace; 0 */
    bool keep;                /* the server was asked to keep the connection */
    bool paused;              /* the client must take some first */
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
    counter_add(&counters->bytes_out, f->receiver.bytes);
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
        .bytes_in = f->body_bytes,
        .bytes_out = exchange->writer.body_bytes,
    };
}

/* The server has said that it has ended the request, so nobody waits for what
 * is closed here: a reset says so in one segment, where the ends of both sides
 * and their acknowledgements take four, and TIME_WAIT after them. */
static void
close_conn(struct fastcgi *f, struct server_conn *conn)
{
    if (f->receiver.ended && f->sender.done)
        stream_reset(&conn->stream);
    pool_close(conn);
}

/* Lets go of the server: the connection is kept where that was agreed on and
 * nothing is under way on it. */
static void
let_go(struct fastcgi *f, const char *error)
{
    struct server_conn *conn = f->conn;
    struct flow_result result = result_of(f, error);
    bool keep = error == NULL && f->keep && receiver_is_spent(&f->receiver) &&
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
        close_conn(f, conn);
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
    return f->receiver.bytes == 0 ||
           (why & (RETRY_ON_502 | RETRY_ON_503 | RETRY_ON_504)) != 0;
}

static void
reset_transfer(struct fastcgi *f)
{
    drop_buffers(f);
    sender_init(&f->sender, f->exchange->engine->buffers, &f->exchange->body);
    receiver_init(&f->receiver);
    f->paused = false;
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
    /* A kept connection may be closed by the server at any time. */
    if (!f->conn->reused || f->receiver.bytes > 0)
        upstream_observe(f->conn->server);
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
    upstream_answered(f->conn->server, f->dial.started_us);
    upstream_observe_status(f->conn->server, response->status);
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

static ssize_t
read_head(const uint8_t *p, size_t n)
{
    struct cgi_response response;

    return cgi_read_response(&response, p, n, 0);
}

/* For `show errors`: BYTES came from the server and are no answer. */
static void
note_answer(const struct fastcgi *f, const char *why, struct str bytes,
            int64_t fault)
{
    const struct http_exchange *exchange = f->exchange;

    capture_note(exchange->engine,
                 &(struct capture_facts){
                     .kind = CAPTURE_FASTCGI,
                     .section = exchange->section->section.conf,
                     .server = f->conn->server,
                     .client = &exchange->client,
                     .why = why,
                     .p = (const uint8_t *)bytes.p,
                     .n = bytes.len,
                     .fault = fault,
                 });
}

/* A head that is none; BYTES are what came last of it. */
static void
note_answer_head(const struct fastcgi *f, enum cgi_error error,
                 struct str bytes)
{
    struct str all = f->answer.head.len > 0 ? buf_text(&f->answer.head) : bytes;
    const uint8_t *p = (const uint8_t *)all.p;
    bool refused = read_head(p, all.len) < 0;

    note_answer(f, cgi_error_text(error), all,
                refused ? capture_fault(read_head, p, all.len)
                        : CAPTURE_NOWHERE);
}

static bool
take_head_bytes(struct fastcgi *f, struct str bytes)
{
    struct cgi_response response;
    struct str body;
    ssize_t taken = answer_read_head(&response, &body, &f->answer, bytes);

    if (taken < 0) {
        note_answer_head(f, (enum cgi_error)taken, bytes);
        upstream_observe(f->conn->server);
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

/* The exchange ends, or goes to another server. */
static void
take_end(struct fastcgi *f)
{
    uint8_t status = f->receiver.end_status;

    if (status != FCGI_REQUEST_COMPLETE || !f->answer.begun)
        upstream_observe(f->conn->server);
    if (status != FCGI_REQUEST_COMPLETE)
        server_failed(f, RETRY_ON_503, 503, f->answer.begun ? "SD" : "SH",
                      fcgi_status_text(status));
    else if (!f->answer.begun)
        server_failed(f, RETRY_ON_502, 502, "SH",
                      "the server ended its answer before the head");
    else
        complete(f);
}

/* Goes through what was read.  false: the exchange has left this server. */
static bool
take_records(struct fastcgi *f)
{
    struct str bytes;

    for (;;) {
        switch (receiver_next(&bytes, &f->receiver)) {
        case RECEIVER_MORE:
            return true;
        case RECEIVER_STDOUT:
            if (!take_stdout(f, bytes))
                return false;
            break;
        case RECEIVER_STDERR:
            take_stderr(f, bytes);
            break;
        case RECEIVER_END:
            take_end(f);
            return false;
        case RECEIVER_WRONG:
            note_answer(f, f->receiver.reason,
                        str_make((const char *)f->receiver.p, f->receiver.n),
                        CAPTURE_NOWHERE);
            upstream_observe(f->conn->server);
            fail(f, 502, f->answer.begun ? "PD" : "PH", f->receiver.reason);
            return false;
        }
    }
}

enum receive_result {
    RECEIVE_MORE, /* there may be more to read */
    RECEIVE_WAIT, /* for an edge */
    RECEIVE_GONE, /* the exchange has left this server: do not touch it */
};

static enum receive_result
receive_once(struct fastcgi *f)
{
    ssize_t n = receiver_read(&f->receiver, &f->conn->stream,
                              f->exchange->engine->scratch, ENGINE_SCRATCH);

    if (n < 0 && errno == EAGAIN)
        return RECEIVE_WAIT;
    if (n <= 0) {
        connection_lost(f, n == 0 ? "the server closed the connection"
                                  : strerror(errno));
        return RECEIVE_GONE;
    }
    f->active_ms = clock_ms();
    if (!take_records(f))
        return RECEIVE_GONE;
    exchange_flush(f->exchange);
    return RECEIVE_MORE;
}

/* A server and a client that are both fast would keep the worker for good. */
static void
let_others_run(struct fastcgi *f)
{
    if (stream_yield(&f->conn->stream) < 0)
        fail(f, 500, "RC", strerror(errno));
}

static void
run(struct fastcgi *f)
{
    enum receive_result result = RECEIVE_MORE;
    unsigned reads = 0;

    if (!send_some(f))
        return;
    f->paused = false;
    while (result == RECEIVE_MORE && f->conn->stream.readable) {
        f->paused = spool_is_full(&f->exchange->writer.spool);
        if (f->paused)
            return;
        if (reads++ == READS_MAX) {
            let_others_run(f);
            return;
        }
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
    if (f->paused)
        idle_ms = 0;
    if (idle_ms < limit_ms) {
        loop_start_timer(f->exchange->engine->loop, timer, limit_ms - idle_ms);
        return;
    }
    if (!f->answer.begun)
        upstream_answered(f->conn->server, f->dial.started_us);
    server_failed(f, RETRY_ON_TIMEOUT, 504, f->answer.begun ? "sD" : "sH",
                  "server timed out");
}

static void
on_drained(struct http_exchange *exchange)
{
    struct fastcgi *f = exchange->handler_data;

    if (f->paused && f->conn != NULL &&
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
    case DIAL_EXPIRED:
        fail(f, 503, "sQ", f->dial.reason);
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

/* A request that is safe to repeat is asked of another server. */
static void
on_gone(struct flow *flow, enum flow_gone how, const char *why)
{
    struct fastcgi *f = flow->exchange->handler_data;

    if (f->conn == NULL)
        dial_server_gone(&f->dial, why);
    else if (may_go_again(f, RETRY_ON_DOWN) &&
             dial_may_retry(&f->dial, RETRY_ON_DOWN))
        server_failed(f, RETRY_ON_DOWN, 502, "SH", why);
    else if (how != FLOW_GONE_KEEP)
        fail(f, 502, f->answer.begun ? "DD" : "DH", why);
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
    f->body_bytes = spool_len(&exchange->body);
    timer_init(&f->timer, on_timer);
    reset_transfer(f);
    exchange->flow.on_gone = on_gone;
    dial_init(&f->dial, exchange->engine, &exchange->flow, &exchange->limits,
              on_dialled);
    dial_start(&f->dial);
}
