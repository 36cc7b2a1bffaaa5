/* SPDX-License-Identifier: MIT */
/*
 * One function, run(), brings the connection forward step by step, whoever
 * woke it: an edge of the client's socket, a handler, a timer.  A step does
 * what the state asks for and says whether there may be more to do.
 *
 * The texts of a request point into the buffer that its head was read into,
 * so that buffer stays as it is until the exchange has ended: `in` is it as
 * long as there is room behind the head, `head_in` afterwards.
 */
#include "proxy/http_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/counters.h"
#include "codec/http1.h"
#include "net/buffer.h"
#include "proxy/access_log.h"
#include "proxy/capture.h"
#include "proxy/http_answer.h"
#include "proxy/http_dispatch.h"
#include "proxy/http_exchange.h"
#include "proxy/http_idle.h"
#include "proxy/http_section.h"
#include "proxy/listener.h"
#include "proxy/runtime.h"

enum {
    LINGER_MS = 5000,    /* for what a client sends after its answer */
    SKIP_MAX = 64 << 10, /* bytes of an unwanted body that are read */
    READ_MIN = 1024,     /* room below which another buffer is taken */
    STEPS_MAX = 1024,    /* rounds before others have their turn */
};

static void run(struct http_conn *conn);
static void on_wake(struct http_exchange *exchange);
static void on_flush(struct http_exchange *exchange);

/* --- states and their ends ------------------------------------------------ */

static const struct limits_conf *
limits_of(const struct http_conn *conn)
{
    if (conn->exchange != NULL && conn->exchange->section != NULL)
        return &conn->exchange->limits;
    return &conn->listener->fallback->conf->limits;
}

/* Whether it is to be folded up before its time is over. */
static bool
will_fold(const struct http_conn *conn)
{
    return conn->state == HTTP_CONN_IDLE && conn->requests > 0 &&
           !conn->unfolded &&
           limits_of(conn)->keepalive_timeout_ms > HTTP_IDLE_FOLD_MS;
}

/* How long the present state may last from since_ms; 0: for ever. */
static uint64_t
state_limit_ms(const struct http_conn *conn)
{
    const struct limits_conf *limits = limits_of(conn);

    switch (conn->state) {
    case HTTP_CONN_IDLE:
        if (will_fold(conn))
            return HTTP_IDLE_FOLD_MS;
        return conn->requests == 0 ? limits->header_timeout_ms
                                   : limits->keepalive_timeout_ms;
    case HTTP_CONN_HEAD:
        return limits->header_timeout_ms;
    case HTTP_CONN_BODY:
    case HTTP_CONN_SKIP:
        return limits->client_timeout_ms;
    case HTTP_CONN_ANSWER:
        return conn->blocked ? limits->client_timeout_ms : 0;
    case HTTP_CONN_LINGER:
        return LINGER_MS;
    case HTTP_CONN_CLOSED:
        return 0;
    }
    return 0;
}

/* Lets the timer fire no later than the state's end.  One that would fire
 * earlier is left as it is: it will look, and go on. */
static void
watch_state(struct http_conn *conn)
{
    uint64_t limit_ms = state_limit_ms(conn);
    uint64_t due_ms = conn->since_ms + limit_ms;
    uint64_t now_ms = clock_ms();

    if (limit_ms == 0)
        return;
    if (timer_is_running(&conn->timer) && conn->timer.due_ms <= due_ms)
        return;
    loop_start_timer(conn->engine->loop, &conn->timer,
                     due_ms > now_ms ? due_ms - now_ms : 0);
}

static void
set_state(struct http_conn *conn, enum http_conn_state state)
{
    conn->state = state;
    conn->since_ms = clock_ms();
}

/* --- the end of an exchange and of the connection ------------------------- */

static void
count_request(struct http_conn *conn, struct http_exchange *exchange)
{
    struct section_counters *counters =
        runtime_section_counters(&exchange->section->section);

    counter_add(&counters->bytes_in, conn->bytes_in);
    counter_add(&counters->bytes_out, exchange->writer.sent_bytes);
    if (exchange->refused)
        counter_add(&counters->errors, 1);
    else
        counter_add(&counters->requests, 1);
    if (exchange->term[0] == 'P')
        counter_add(&counters->denied, 1);
    else if (exchange->term[0] != '-' && exchange->term[0] != 'L')
        counter_add(&counters->errors, 1);
}

static void
end_exchange(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    struct section_hooks *hooks = exchange->hooks;

    conn->exchange = NULL;
    access_log_http(exchange);
    count_request(conn, exchange);
    if (hooks != NULL && hooks->forget != NULL)
        hooks->forget(hooks->arg, exchange);
    exchange_free(exchange);
    conn->bytes_in = 0;
    conn->requests++;
}

static void
stop_handler(struct http_exchange *exchange, const char *reason)
{
    const struct exchange_handler *handler = exchange->handler;

    exchange->handler = NULL;
    if (handler != NULL)
        handler->abort(exchange, reason);
}

/* Ends an exchange whose answer cannot be completed. */
static void
abort_exchange(struct http_conn *conn, const char *flags, const char *reason)
{
    struct http_exchange *exchange = conn->exchange;

    if (exchange->term[0] == '-' && exchange->state != EXCHANGE_FINISHED) {
        exchange->term[0] = flags[0];
        exchange->term[1] = flags[1];
    }
    stop_handler(exchange, reason);
    end_exchange(conn);
}

/* The address that the client connected to, as far as is known. */
static const struct addr *
listener_of(const struct http_conn *conn)
{
    return conn->here != NULL ? conn->here : &conn->listener->addr;
}

/* A request begins with the newest configuration, whichever its connection came
 * to. Where that does not listen there any more it is the last one. */
static void
follow_configuration(struct http_conn *conn)
{
    struct runtime *now = conn->engine->runtime;
    struct listener *listener;

    if (now == NULL || conn->runtime == now)
        return;
    listener = runtime_find_listener(now, &conn->listener->addr);
    if (listener == NULL || listener->fallback->conf->kind != SECTION_HTTP)
        return;
    listener_move(conn->listener, listener);
    conn->listener = listener;
    runtime_unref(conn->runtime);
    conn->runtime = runtime_ref(now);
}

/* An exchange that knows its connection; false without memory. */
static bool
take_exchange(struct http_conn *conn)
{
    struct http_exchange *exchange = exchange_new(conn->engine, &conn->stream);

    if (exchange == NULL)
        return false;
    follow_configuration(conn);
    exchange->on_wake = on_wake;
    exchange->on_flush = on_flush;
    exchange->conn = conn;
    exchange->client = conn->client;
    exchange->flow.client = &exchange->client;
    exchange->flow.listener = listener_of(conn);
    exchange->times.begun_us = conn->begun_us;
    exchange->times.first_us = clock_us();
    exchange->times.wall_ms = clock_wall_ms();
    conn->exchange = exchange;
    return true;
}

/* A target with a user in it is always refused; what may be a password is cut
 * off the line, for it is recorded. */
static struct str
without_user(struct str line)
{
    ptrdiff_t at = str_find_char(line, '@', 0);
    size_t from;

    if (at < 0)
        return line;
    from = (size_t)at;
    while (from > 0 && line.p[from - 1] != ' ' && line.p[from - 1] != '/')
        from--;
    if (from == 0 ||
        (line.p[from - 1] == '/' && (from == 1 || line.p[from - 2] != '/')))
        return line;
    return str_slice(line, 0, from);
}

/* Makes of an exchange whose head is not whole, or none, one that can end and
 * be recorded. */
static void
forget_head(struct http_conn *conn, struct str first_line)
{
    struct http_exchange *exchange = conn->exchange;

    memset(&exchange->head, 0, sizeof(exchange->head));
    exchange->refused = true;
    exchange->section = http_section_of(conn->listener->fallback);
    exchange->limits = exchange->section->section.conf->limits;
    exchange->flow.section = exchange->section->section.conf->name;
    exchange->first_line = without_user(first_line);
    exchange->times.head_us = clock_us();
}

/* A record of a connection on which nothing came, where it is wanted. */
static void
log_null(struct http_conn *conn, const char *flags)
{
    struct section *section = conn->listener->fallback;

    if (conn->state != HTTP_CONN_IDLE || conn->requests > 0 ||
        !section->conf->log_null || !take_exchange(conn))
        return;
    forget_head(conn, (struct str){0});
    conn->exchange->times.head_us = 0; /* there was none, not even in part */
    conn->exchange->term[0] = flags[0] == '-' ? 'C' : flags[0];
    conn->exchange->term[1] = 'R';
    access_log_http(conn->exchange);
    exchange_free(conn->exchange);
    conn->exchange = NULL;
}

static struct str
first_line_so_far(const struct http_conn *conn)
{
    return http1_first_line(conn->in->data + conn->in->start,
                            buffer_len(conn->in));
}

static void
free_conn(struct deferred *cleanup)
{
    struct http_conn *conn = container_of(cleanup, struct http_conn, cleanup);

    free(conn->here);
    runtime_unref(conn->runtime);
    slab_give(&conn->engine->http_conns, conn);
}

/* The one way out. */
static void
conn_close(struct http_conn *conn, const char *flags, const char *reason)
{
    struct engine *engine = conn->engine;

    if (conn->state == HTTP_CONN_CLOSED)
        return;
    log_debug("connection closed: %s requests=%llu", reason,
              (unsigned long long)conn->requests);
    log_null(conn, flags);
    if (conn->state == HTTP_CONN_HEAD && conn->exchange != NULL)
        forget_head(conn, first_line_so_far(conn));
    if (conn->exchange != NULL)
        abort_exchange(conn, flags, reason);
    set_state(conn, HTTP_CONN_CLOSED);
    timer_stop(&conn->timer);
    deferred_cancel(&conn->resume);
    stream_close(&conn->stream);
    buffer_give(engine->buffers, conn->in);
    buffer_give(engine->buffers, conn->head_in);
    conn->in = conn->head_in = NULL;
    listener_dismiss(conn->listener);
    engine_remove(engine, &conn->session);
    loop_defer(engine->loop, &conn->cleanup);
}

/* --- reading -------------------------------------------------------------- */

static bool
has_input(const struct http_conn *conn)
{
    return conn->in != NULL && buffer_len(conn->in) > 0;
}

/* Whether `in` is the buffer that the exchange's texts point into. */
static bool
is_pinned(const struct http_conn *conn)
{
    return conn->exchange != NULL && conn->head_in == NULL &&
           conn->state != HTTP_CONN_HEAD;
}

static void
take_input(struct http_conn *conn, size_t n)
{
    if (is_pinned(conn))
        conn->in->start += (uint32_t)n;
    else
        buffer_skip(conn->in, n);
}

static void
drop_empty_input(struct http_conn *conn)
{
    if (conn->in == NULL || buffer_len(conn->in) > 0)
        return;
    buffer_give(conn->engine->buffers, conn->in);
    conn->in = NULL;
}

/* Leaves the head where it is and goes on in another buffer, with what is
 * left behind the head. */
static bool
move_input(struct http_conn *conn)
{
    struct buffer *next = buffer_take(conn->engine->buffers);
    size_t left = buffer_len(conn->in);

    if (next == NULL)
        return false;
    memcpy(next->data, conn->in->data + conn->in->start, left);
    next->end = (uint32_t)left;
    conn->head_in = conn->in;
    conn->in = next;
    return true;
}

static bool
make_room(struct http_conn *conn)
{
    if (conn->in == NULL)
        conn->in = buffer_take(conn->engine->buffers);
    if (conn->in == NULL)
        return false;
    if (buffer_room(conn->in) >= READ_MIN)
        return true;
    if (is_pinned(conn) && buffer_len(conn->in) < BUFFER_SIZE - READ_MIN)
        return move_input(conn);
    if (!is_pinned(conn))
        buffer_compact(conn->in);
    return true;
}

/* HAProxy's flags for a client that broke off: while its request came, in a
 * queue, before the connection, before the head of the answer, or later. */
static const char *
flags_of_break(const struct http_conn *conn)
{
    const struct http_exchange *exchange = conn->exchange;

    if (conn->state != HTTP_CONN_ANSWER ||
        (exchange != NULL && exchange->state == EXCHANGE_HOOK))
        return "CR";
    if (exchange == NULL || exchange->writer.status != 0)
        return "CD";
    if (exchange->flow.queued)
        return "CQ";
    return exchange->times.connected_us != 0 ? "CH" : "CC";
}

/* Reads once.  true when there is something new: bytes, or their end.  Errors
 * close the connection. */
static bool
fill(struct http_conn *conn)
{
    ssize_t n;

    if (!conn->stream.readable || conn->read_ended)
        return false;
    if (!make_room(conn)) {
        conn_close(conn, "RC", "out of memory");
        return false;
    }
    if (buffer_room(conn->in) == 0)
        return false;
    n = stream_read(&conn->stream, conn->in->data + conn->in->end,
                    buffer_room(conn->in));
    if (n > 0) {
        conn->in->end += (uint32_t)n;
        conn->bytes_in += (uint64_t)n;
        return true;
    }
    if (n == 0) {
        conn->read_ended = true;
        return true;
    }
    if (errno != EAGAIN)
        conn_close(conn, flags_of_break(conn), strerror(errno));
    return false;
}

/* --- exchanges ------------------------------------------------------------ */

static void
on_wake(struct http_exchange *exchange)
{
    struct http_conn *conn = exchange->conn;

    if (conn->running)
        conn->woken = true;
    else
        run(conn);
}

static bool
begin_exchange(struct http_conn *conn)
{
    if (!take_exchange(conn)) {
        conn_close(conn, "RC", "out of memory");
        return false;
    }
    conn->seen = 0;
    return true;
}

/* Answers a head that was not understood, and closes. The exchange may be over
 * afterwards, and the connection with it. */
static void
refuse_head(struct http_conn *conn, int status, const char *flags,
            struct str first_line, const char *why)
{
    struct http_exchange *exchange = conn->exchange;
    char client[ADDR_TEXT_MAX];

    log_info("request refused: %s client=%s status=%d", why,
             addr_format(&conn->client, client, sizeof(client)), status);
    forget_head(conn, first_line);
    set_state(conn, HTTP_CONN_ANSWER);
    conn->body.done = true;
    exchange->writer.keep_alive = false;
    exchange_fail(exchange, status, flags);
}

static ssize_t
read_head(const uint8_t *p, size_t n)
{
    struct http_request head;

    return http1_read_request(&head, p, n, 0);
}

/* For `show errors`; the section is not known as long as the host is not. */
static void
note_head(const struct http_conn *conn, const uint8_t *p, size_t n,
          const char *why, int64_t fault)
{
    capture_note(conn->engine, &(struct capture_facts){
                                   .kind = CAPTURE_REQUEST,
                                   .section = conn->listener->fallback->conf,
                                   .client = &conn->client,
                                   .why = why,
                                   .p = p,
                                   .n = n,
                                   .fault = fault,
                               });
}

static void
note_body(const struct http_conn *conn)
{
    capture_note(conn->engine,
                 &(struct capture_facts){
                     .kind = CAPTURE_BODY,
                     .section = conn->exchange->section->section.conf,
                     .client = &conn->client,
                     .why = "bad chunk in a request body",
                     .fault = CAPTURE_NOWHERE,
                 });
}

static void
accept_head(struct http_conn *conn, size_t len)
{
    struct http_exchange *exchange = conn->exchange;
    int status;

    exchange->times.head_us = clock_us();
    exchange->writer.head_only = exchange->head.method == HTTP_METHOD_HEAD;
    exchange->writer.http10 = exchange->head.minor == 0;
    exchange->writer.keep_alive = exchange->head.keep_alive;
    if (exchange_read_host(exchange) < 0) {
        conn_close(conn, "RC", "out of memory");
        return;
    }
    exchange->section = listener_find_http(conn->listener, exchange->host);
    status = exchange_read_head(exchange);
    body_begin(&conn->body, &exchange->head);
    exchange->body_whole = conn->body.done;
    set_state(conn, HTTP_CONN_ANSWER);
    if (status == 0)
        return;
    if (status == 400)
        note_head(conn, conn->in->data + conn->in->start - len, len,
                  "bad path in the request", CAPTURE_NOWHERE);
    exchange->writer.keep_alive = false;
    exchange_fail(exchange, status, "PR");
}

static bool
step_head(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    const uint8_t *p = conn->in->data + conn->in->start;
    size_t n = buffer_len(conn->in);
    ssize_t taken = http1_read_request(&exchange->head, p, n, conn->seen);

    if (taken == 0 && n == BUFFER_SIZE)
        taken = http1_full_error(p, n);
    if (taken > 0) {
        conn->in->start += (uint32_t)taken;
        accept_head(conn, (size_t)taken);
        return true;
    }
    if (taken < 0) {
        enum http1_error error = (enum http1_error)taken;
        bool full = error == HTTP1_E_TARGET_SIZE || error == HTTP1_E_HEAD_SIZE;

        note_head(conn, p, n, http1_error_text(error),
                  full ? (int64_t)n : capture_fault(read_head, p, n));
        refuse_head(conn, http1_error_status(error), "PR",
                    http1_first_line(p, n), http1_error_text(error));
        return true;
    }
    conn->seen = n;
    if (conn->read_ended) {
        note_head(conn, p, n, "the client left in the middle of a head",
                  CAPTURE_NOWHERE);
        refuse_head(conn, 400, "CR", http1_first_line(p, n),
                    "the client left in the middle of a head");
        return true;
    }
    return fill(conn);
}

static bool
step_idle(struct http_conn *conn)
{
    if (!has_input(conn)) {
        if (conn->engine->draining && !conn->engine->leaving) {
            conn_close(conn, "--", "the worker is draining");
            return false;
        }
        if (!conn->read_ended)
            (void)fill(conn);
        if (conn->state == HTTP_CONN_CLOSED)
            return false;
        if (!has_input(conn)) {
            drop_empty_input(conn);
            if (conn->read_ended)
                conn_close(conn, "--", "the client has closed");
            return false;
        }
    }
    set_state(conn, HTTP_CONN_HEAD);
    return begin_exchange(conn);
}

/* --- bodies --------------------------------------------------------------- */

/* What has come of the body goes to TO, or nowhere if that is NULL. */
static enum body_result
take_body(struct http_conn *conn, struct http_exchange *to)
{
    size_t n = has_input(conn) ? buffer_len(conn->in) : 0;
    const uint8_t *p = n > 0 ? conn->in->data + conn->in->start : NULL;
    size_t taken;
    enum body_result result = body_read(&taken, &conn->body, p, n, to);

    if (taken > 0)
        take_input(conn, taken);
    return result;
}

static void
body_arrived(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;

    exchange->body_whole = true;
    exchange->times.body_us = clock_us();
    if (exchange->state == EXCHANGE_BODY)
        exchange->state = EXCHANGE_START;
    set_state(conn, HTTP_CONN_ANSWER);
}

/* Where the next request begins is not known any more.  A hook may wait for the
 * body. */
static void
body_failed(struct http_conn *conn, int status, const char *flags)
{
    stop_handler(conn->exchange, "the body is not to be had");
    conn->exchange->writer.keep_alive = false;
    set_state(conn, HTTP_CONN_ANSWER);
    exchange_fail(conn->exchange, status, flags);
}

static bool
step_body(struct http_conn *conn)
{
    switch (take_body(conn, conn->exchange)) {
    case BODY_MORE:
        break;
    case BODY_DONE:
        body_arrived(conn);
        return true;
    case BODY_WRONG:
        note_body(conn);
        body_failed(conn, 400, "PR");
        return true;
    case BODY_LARGE:
        body_failed(conn, 413, "PR");
        return true;
    case BODY_FULL:
        log_error("cannot store a request body: %s", strerror(errno));
        body_failed(conn, 500, "RC");
        return true;
    }
    if (conn->read_ended) {
        conn_close(conn, "CR", "the client left in the middle of a body");
        return false;
    }
    if (!fill(conn))
        return false;
    conn->since_ms = clock_ms();
    return true;
}

/* The exchange wants its body.  A client that waits to be told gets told. */
static void
want_body(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;

    set_state(conn, HTTP_CONN_BODY);
    if (!exchange->head.expect_continue || has_input(conn))
        return;
    exchange->head.expect_continue = false;
    if (writer_interim(&exchange->writer, 100) < 0)
        conn_close(conn, "CD", strerror(errno));
}

/* --- answers -------------------------------------------------------------- */

/* A body that the answer did not wait for is read and dropped, if that is
 * little; otherwise the connection cannot be used again. */
static bool
can_skip_body(const struct http_conn *conn)
{
    const struct http_exchange *exchange = conn->exchange;

    if (conn->body.done)
        return true;
    if (exchange->head.expect_continue)
        return false;
    return exchange->head.chunked || conn->body.left <= SKIP_MAX;
}

static void
decide_keep_alive(struct http_conn *conn)
{
    struct http_writer *writer = &conn->exchange->writer;

    const struct engine *engine = conn->engine;
    bool is_old = engine->runtime != NULL && engine->runtime != conn->runtime;

    if (engine->draining || is_old || conn->exchange->broken ||
        !can_skip_body(conn) || (conn->read_ended && !has_input(conn)))
        writer->keep_alive = false;
}

static void
linger(struct http_conn *conn)
{
    if (conn->read_ended || stream_shutdown(&conn->stream) < 0) {
        conn_close(conn, "--", "the answer was the last");
        return;
    }
    set_state(conn, HTTP_CONN_LINGER);
}

static void
next_request(struct http_conn *conn)
{
    if (conn->head_in != NULL)
        buffer_give(conn->engine->buffers, conn->head_in);
    conn->head_in = NULL;
    drop_empty_input(conn);
    conn->begun_us = clock_us();
    set_state(conn, HTTP_CONN_IDLE);
}

/* The answer is out, all of it. */
static void
answered(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    bool keep = exchange->writer.keep_alive && !exchange->broken;
    bool unread = !conn->body.done || has_input(conn);

    if (exchange->broken) {
        /* What has left is cut short, and must be seen to be. */
        stream_reset(&conn->stream);
        conn_close(conn, "--", "the answer was cut short");
        return;
    }
    if (keep && !conn->body.done) {
        set_state(conn, HTTP_CONN_SKIP);
        return;
    }
    end_exchange(conn);
    if (keep) {
        next_request(conn);
    } else if (unread) {
        linger(conn);
    } else {
        conn_close(conn, "--", "the answer was the last");
    }
}

static enum writer_result
flush_writer(struct http_conn *conn)
{
    struct http_writer *writer = &conn->exchange->writer;
    uint64_t sent_before = writer->sent_bytes;
    enum writer_result result;

    if (writer_is_unsent(writer))
        decide_keep_alive(conn);
    result = writer_flush(writer);
    if (writer->sent_bytes != sent_before || !conn->blocked)
        conn->since_ms = clock_ms();
    conn->blocked = result == WRITER_BLOCKED;
    return result;
}

static void
on_flush(struct http_exchange *exchange)
{
    struct http_conn *conn = exchange->conn;

    if (flush_writer(conn) == WRITER_FAILED)
        loop_defer(conn->engine->loop, &conn->resume);
    watch_state(conn);
}

/* Writes what can be written; true when the exchange is over. */
static bool
flush(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    uint64_t sent_before = exchange->writer.sent_bytes;
    enum writer_result result = flush_writer(conn);

    if (result == WRITER_FAILED) {
        int error = errno;

        /* What has left must not be taken for the whole answer. */
        stream_reset(&conn->stream);
        conn_close(conn, "CD", strerror(error));
        return false;
    }
    if (exchange->state == EXCHANGE_FINISHED && !conn->blocked) {
        answered(conn);
        return true;
    }
    if (exchange->writer.sent_bytes != sent_before && exchange->handler != NULL)
        exchange->handler->on_drained(exchange);
    return false;
}

/* A `request` hook waits; for the body, it may be.  Nothing of the answer is
 * there, so nothing is written. */
static bool
step_hook(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;

    if (exchange->wants_body && !exchange->body_whole) {
        if (exchange_is_too_large(exchange))
            body_failed(conn, 413, "PR");
        else
            want_body(conn);
        return true;
    }
    (void)fill(conn);
    if (conn->read_ended && conn->exchange != NULL)
        conn_close(conn, "CR", "the client left while a hook waited");
    return false;
}

static bool
step_answer(struct http_conn *conn)
{
    while (http_dispatch(conn->exchange)) {
    }
    if (conn->exchange->state == EXCHANGE_HOOK)
        return step_hook(conn);
    if (conn->exchange->state == EXCHANGE_BODY) {
        want_body(conn);
        return true;
    }
    if (flush(conn))
        return true;
    if (conn->state != HTTP_CONN_ANSWER)
        return false;
    /* A client that is gone is noticed, and what it sends ahead is taken as
     * long as there is room for it. Who ends its side while its request waits
     * has lost patience, most likely: others wait, too. */
    (void)fill(conn);
    if (conn->read_ended && conn->exchange != NULL &&
        conn->exchange->flow.queued)
        conn_close(conn, "CQ", "the client left while it waited");
    return false;
}

static bool
step_skip(struct http_conn *conn)
{
    enum body_result result = take_body(conn, NULL);

    if (result == BODY_DONE) {
        end_exchange(conn);
        next_request(conn);
        return true;
    }
    if (result == BODY_WRONG || conn->read_ended ||
        conn->bytes_in > 2 * SKIP_MAX) {
        end_exchange(conn);
        linger(conn);
        return true;
    }
    return fill(conn);
}

static bool
step_linger(struct http_conn *conn)
{
    if (conn->in != NULL)
        conn->in->start = conn->in->end = 0;
    if (!fill(conn))
        return false;
    if (conn->read_ended) {
        conn_close(conn, "--", "the client has closed");
        return false;
    }
    return true;
}

static bool
step(struct http_conn *conn)
{
    switch (conn->state) {
    case HTTP_CONN_IDLE:
        return step_idle(conn);
    case HTTP_CONN_HEAD:
        return step_head(conn);
    case HTTP_CONN_BODY:
        return step_body(conn);
    case HTTP_CONN_ANSWER:
        return step_answer(conn);
    case HTTP_CONN_SKIP:
        return step_skip(conn);
    case HTTP_CONN_LINGER:
        return step_linger(conn);
    case HTTP_CONN_CLOSED:
        return false;
    }
    return false;
}

/* Should others have their turn?  Requests that were sent ahead may each cost
 * the time of a script. */
static bool
is_turn_used(const struct http_conn *conn, unsigned steps)
{
    if (steps == STEPS_MAX)
        return true;
    return conn->state == HTTP_CONN_IDLE && has_input(conn) && clock_is_late();
}

static void
run(struct http_conn *conn)
{
    unsigned steps = 0;
    bool paused = false;
    bool more;

    conn->running = true;
    do {
        conn->woken = false;
        more = step(conn) || conn->woken;
        paused = more && is_turn_used(conn, ++steps);
    } while (more && !paused);
    conn->running = false;
    /* The last round may have closed it: then nothing may call again. */
    if (conn->state == HTTP_CONN_CLOSED)
        return;
    if (paused)
        loop_defer(conn->engine->loop, &conn->resume);
    watch_state(conn);
}

static void
on_ready(struct stream *stream)
{
    run(container_of(stream, struct http_conn, stream));
}

static void
on_resume(struct deferred *deferred)
{
    run(container_of(deferred, struct http_conn, resume));
}

/* --- beginnings ----------------------------------------------------------- */

static void on_timer(struct timer *timer);
static void on_drain(struct engine_session *session);
static void on_kill(struct engine_session *session, const char *reason);

/* A connection that knows its socket; NULL, after the log was told, without
 * memory.  The caller sets its runtime. */
static struct http_conn *
conn_new(struct listener *listener, int fd, const struct addr *client)
{
    struct engine *engine = listener->engine;
    struct http_conn *conn = slab_take(&engine->http_conns, sizeof(*conn));

    if (conn == NULL)
        goto fail;
    memset(conn, 0, sizeof(*conn));
    if (stream_open(&conn->stream, engine->loop, fd, on_ready) < 0)
        goto fail;
    conn->engine = engine;
    conn->listener = listener;
    conn->client = *client;
    conn->session.drain = on_drain;
    conn->session.kill = on_kill;
    timer_init(&conn->timer, on_timer);
    deferred_init(&conn->cleanup, free_conn);
    deferred_init(&conn->resume, on_resume);
    set_state(conn, HTTP_CONN_IDLE);
    engine_add(engine, &conn->session);
    return conn;

fail:
    log_error("cannot take a connection: %s", strerror(errno));
    slab_give(&engine->http_conns, conn);
    return NULL;
}

/* --- time, drain, kill ---------------------------------------------------- */

/* A folded connection comes back: there is something to read. */
static void
resume(const struct http_idle *idle)
{
    struct http_conn *conn = conn_new(idle->listener, idle->fd, &idle->client);

    if (conn == NULL) {
        close(idle->fd);
        free(idle->here);
        listener_dismiss(idle->listener);
        runtime_unref(idle->runtime);
        return;
    }
    conn->runtime = idle->runtime;
    conn->here = idle->here;
    conn->requests = idle->requests;
    conn->begun_us = idle->begun_us;
    run(conn);
}

/* The socket and what the connection holds go on; the rest is freed. */
static void
fold(struct http_conn *conn)
{
    const struct http_idle idle = {
        .listener = conn->listener,
        .runtime = conn->runtime,
        .fd = conn->stream.fd,
        .client = conn->client,
        .here = conn->here,
        .requests = conn->requests,
        .begun_us = conn->begun_us,
    };

    if (http_idle_fold(conn->engine, &idle,
                       limits_of(conn)->keepalive_timeout_ms, resume) < 0) {
        conn->unfolded = true;
        watch_state(conn);
        return;
    }
    (void)stream_release(&conn->stream);
    conn->runtime = NULL;
    conn->here = NULL;
    set_state(conn, HTTP_CONN_CLOSED);
    deferred_cancel(&conn->resume);
    engine_remove(conn->engine, &conn->session);
    loop_defer(conn->engine->loop, &conn->cleanup);
}

static void
timed_out(struct http_conn *conn)
{
    switch (conn->state) {
    case HTTP_CONN_IDLE:
        if (will_fold(conn))
            fold(conn);
        else
            conn_close(conn, "cR", "idle for too long");
        break;
    case HTTP_CONN_HEAD:
        refuse_head(conn, 408, "cR", first_line_so_far(conn),
                    "the head took too long");
        break;
    case HTTP_CONN_BODY:
        body_failed(conn, 408, "cR");
        break;
    case HTTP_CONN_ANSWER:
        conn_close(conn, "cD", "the client does not take its answer");
        break;
    case HTTP_CONN_SKIP:
    case HTTP_CONN_LINGER:
        conn_close(conn, "--", "the client was waited for long enough");
        break;
    case HTTP_CONN_CLOSED:
        break;
    }
}

static void
on_timer(struct timer *timer)
{
    struct http_conn *conn = container_of(timer, struct http_conn, timer);
    uint64_t limit_ms = state_limit_ms(conn);

    if (limit_ms != 0 && clock_ms() - conn->since_ms >= limit_ms)
        timed_out(conn);
    else
        watch_state(conn);
}

static void
on_drain(struct engine_session *session)
{
    struct http_conn *conn = container_of(session, struct http_conn, session);

    if (conn->state == HTTP_CONN_IDLE)
        conn_close(conn, "--", "the worker is draining");
}

static void
on_kill(struct engine_session *session, const char *reason)
{
    conn_close(container_of(session, struct http_conn, session), "KD", reason);
}

/* --- accept --------------------------------------------------------------- */

/* Asks the `accept` hook of the listener's default section; false: refused. */
static bool
ask_accept(struct http_conn *conn)
{
    struct section *section = conn->listener->fallback;
    struct hook_verdict verdict = {0};
    struct hook_conn about = {
        .client = &conn->client,
        .listener = listener_of(conn),
        .section = section->conf->name,
    };
    enum hook_result result;

    if (section->hooks->accept == NULL)
        return true;
    result = section->hooks->accept(section->hooks->arg, &about, &verdict);
    if (result == HOOK_FAILED)
        return section->conf->script_failure == SCRIPT_FAILURE_PASS;
    if (result != HOOK_DENY)
        return true;
    log_info("connection refused by a script: " STR_FMT " section=" STR_FMT,
             STR_ARG(verdict.reason), STR_ARG(section->conf->name));
    return false;
}

/* No hook has seen it. */
static void
close_unseen(struct http_conn *conn, const struct section_client *client)
{
    struct section_counters *counters =
        runtime_section_counters(conn->listener->fallback);

    counter_add(&counters->errors, 1);
    if (client->flags[0] == 'P')
        counter_add(&counters->denied, 1);
    conn_close(conn, client->flags, client->reason);
}

void
http_accept(struct listener *listener, const struct section_client *client)
{
    struct http_conn *conn = conn_new(listener, client->fd, client->addr);
    struct section_counters *counters;

    if (conn == NULL) {
        close(client->fd);
        free(client->here);
        listener_dismiss(listener);
        return;
    }
    conn->runtime = runtime_ref(listener->runtime);
    conn->here = client->here;
    conn->begun_us = clock_us();
    counters = runtime_section_counters(listener->fallback);
    counter_add(&counters->connections, 1);
    if (client->flags != NULL) {
        close_unseen(conn, client);
        return;
    }
    if (!ask_accept(conn)) {
        counter_add(&counters->denied, 1);
        conn_close(conn, "PR", "refused by a script");
        return;
    }
    run(conn);
}
