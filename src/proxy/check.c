/* SPDX-License-Identifier: MIT */
/*
 * A check ends by a mark (`ended`); everything is let go of in one place, at
 * the end of the turn, so that a kind may end its check from anywhere.
 *
 * A connection that served its purpose is closed in order where a protocol was
 * spoken on it, since the server has closed or is about to. All others end by a
 * reset: it leaves no TIME_WAIT here, and nothing to a server that hangs.
 */
#include "proxy/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "codec/proxyproto.h"
#include "config/faults.h"
#include "net/tls.h"
#include "proxy/secure.h"

static const struct check_kind_ops *lua_ops;

void
check_set_lua(const struct check_kind_ops *ops)
{
    lua_ops = ops;
}

static const struct check_kind_ops *
ops_of(enum check_kind kind)
{
    switch (kind) {
    case CHECK_TCP:
        return &check_tcp;
    case CHECK_HTTP:
        return &check_http;
    case CHECK_FASTCGI:
        return &check_fastcgi;
    case CHECK_MYSQL:
        return &check_mysql;
    case CHECK_GALERA:
        return &check_galera;
    case CHECK_LUA:
        return lua_ops;
    case CHECK_OFF:
        break;
    }
    return NULL;
}

/* --- the end -------------------------------------------------------------- */

static void
close_stream(struct checker *c)
{
    bool spoken = c->verdict.status == CHECK_STATUS_L7OK;

    if (spoken)
        stream_close(&c->stream);
    else
        stream_reset(&c->stream);
}

static void
on_finish(struct deferred *deferred)
{
    struct checker *c = container_of(deferred, struct checker, finish);

    if (c->ops->stop != NULL)
        c->ops->stop(c);
    if (!c->keep)
        close_stream(c);
    c->running = false;
    c->on_end(c);
}

/* The status's own words, and what FMT makes behind SEPARATOR. */
static void
put_words(struct check_verdict *verdict, const char *separator, const char *fmt,
          va_list args) __attribute__((format(printf, 3, 0)));

static void
put_words(struct check_verdict *verdict, const char *separator, const char *fmt,
          va_list args)
{
    struct buf words;
    char more[sizeof(verdict->words)];

    (void)vsnprintf(more, sizeof(more), fmt, args);
    /* What a server has said may be in it, and goes to the log. */
    for (char *p = more; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    }
    buf_init(&words, verdict->words, sizeof(verdict->words) - 1);
    buf_str(&words, str_from(check_status_words(verdict->status)));
    if (more[0] != '\0') {
        buf_str(&words, str_from(separator));
        buf_str(&words, str_slice(str_from(more), 0, words.cap - words.len));
    }
    verdict->words[words.len] = '\0';
}

static void
end_check(struct checker *c, enum check_status status, const char *separator,
          const char *fmt, va_list args) __attribute__((format(printf, 4, 0)));

static void
end_check(struct checker *c, enum check_status status, const char *separator,
          const char *fmt, va_list args)
{
    if (!c->running || c->ended)
        return;
    c->ended = true;
    c->awaiting = false;
    timer_stop(&c->deadline);
    c->verdict.status = status;
    c->verdict.took_us = (uint32_t)(clock_us() - c->started_us);
    put_words(&c->verdict, separator, fmt, args);
    loop_defer(c->loop, &c->finish);
}

void
checker_end(struct checker *c, enum check_status status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    end_check(c, status, ": ", fmt, args);
    va_end(args);
}

static void
end_late(struct checker *c, enum check_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
end_late(struct checker *c, enum check_status status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    end_check(c, status, " ", fmt, args);
    va_end(args);
}

static void
on_deadline(struct timer *timer)
{
    struct checker *c = container_of(timer, struct checker, deadline);

    /* Where an exchange was cut the connection is of no more use. */
    c->keep = false;
    end_late(c, c->awaiting ? CHECK_STATUS_L4TOUT : CHECK_STATUS_L7TOUT,
             "after %" PRIu32 "ms", c->upstream->check.timeout_ms);
}

/* --- the connection ------------------------------------------------------- */

static void
end_unconnected(struct checker *c, int error)
{
    checker_end(c,
                stream_error_is_local(error) ? CHECK_STATUS_SOCKERR
                                             : CHECK_STATUS_L4CON,
                "%s", strerror(error));
}

static bool
send_proxy(struct checker *c)
{
    char space[PROXYPROTO_MAX];
    struct buf header;

    buf_init(&header, space, sizeof(space));
    proxyproto_write_local(&header, c->upstream->send_proxy == SEND_PROXY_V1
                                        ? PROXYPROTO_V1
                                        : PROXYPROTO_V2);
    return checker_send(c, header.p, header.len);
}

static void
on_connect(struct checker *c)
{
    int error = stream_connect_error(&c->stream);

    if (error == EINPROGRESS)
        return;
    if (error != 0) {
        end_unconnected(c, error);
        return;
    }
    c->awaiting = false;
    if (c->upstream->send_proxy != SEND_PROXY_OFF && !send_proxy(c))
        return;
    if (c->ops->connected == NULL) {
        checker_end(c, CHECK_STATUS_L4OK, "%s", "");
        return;
    }
    c->ops->connected(c);
    if (!c->ended && c->stream.readable && c->ops->ready != NULL)
        c->ops->ready(c);
}

static void
on_ready(struct stream *stream)
{
    struct checker *c = container_of(stream, struct checker, stream);

    if (!c->running) {
        /* Nothing is expected of a kept one: it has ended, most likely. */
        if (stream->readable)
            stream_close(stream);
        return;
    }
    if (c->ended)
        return;
    if (c->awaiting)
        on_connect(c);
    else if (c->ops->ready != NULL)
        c->ops->ready(c);
}

void
checker_connect(struct checker *c)
{
    if (c->ended)
        return;
    stream_close(&c->stream);
    if (c->addr.len == 0) {
        c->verdict.at_once = true;
        checker_end(c, CHECK_STATUS_L4CON, "the name has no address");
        return;
    }
    c->awaiting = true;
    if (stream_connect(&c->stream, c->loop, &c->addr, on_ready) < 0)
        end_unconnected(c, errno);
    else if (c->stream.writable)
        on_connect(c);
}

bool
checker_send(struct checker *c, const void *p, size_t n)
{
    ssize_t sent = stream_write(&c->stream, p, n);

    if (sent >= 0 && (size_t)sent == n)
        return true;
    if (sent < 0 && errno != EAGAIN)
        checker_end(c, CHECK_STATUS_L7RSP, "%s", strerror(errno));
    else
        checker_end(c, CHECK_STATUS_SOCKERR, "the request did not fit");
    return false;
}

bool
checker_is_cut(struct checker *c, ssize_t got)
{
    if (got > 0 || (got < 0 && errno == EAGAIN))
        return false;
    c->keep = false;
    checker_end(c, CHECK_STATUS_L7RSP, "%s",
                got == 0 ? "the connection was closed" : strerror(errno));
    return true;
}

ssize_t
checker_read(struct checker *c, void *p, size_t n)
{
    ssize_t got = stream_read(&c->stream, p, n);

    if (checker_is_cut(c, got))
        return -1;
    return got > 0 ? got : 0;
}

/* --- life ----------------------------------------------------------------- */

/* What is wrong with it was a fault when the program started. */
static int
init_tls(struct checker *c)
{
    struct faults faults;

    faults_init(&faults);
    c->tls = secure_server(c->server, &faults);
    faults_fini(&faults);
    if (c->tls != NULL || !c->server->tls.on)
        return 0;
    errno = EINVAL;
    return -1;
}

int
checker_init(struct checker *c, struct loop *loop,
             const struct upstream_conf *upstream,
             const struct server_conf *server, check_fn on_end, void *owner)
{
    const struct check_kind_ops *ops = ops_of(upstream->check.kind);

    *c = (struct checker){
        .loop = loop,
        .upstream = upstream,
        .server = server,
        .ops = ops,
        .owner = owner,
        .on_end = on_end,
        .stream = {.fd = -1},
    };
    timer_init(&c->deadline, on_deadline);
    deferred_init(&c->finish, on_finish);
    if (ops == NULL) {
        errno = ENOTSUP;
        return -1;
    }
    if (init_tls(c) < 0)
        return -1;
    if (ops->size == 0)
        return 0;
    c->state = calloc(1, ops->size);
    return c->state == NULL ? -1 : 0;
}

void
checker_fini(struct checker *c)
{
    if (c->ops == NULL)
        return;
    timer_stop(&c->deadline);
    deferred_cancel(&c->finish);
    if (c->running && c->ops->stop != NULL)
        c->ops->stop(c);
    c->running = false;
    if (c->ops->fini != NULL && (c->state != NULL || c->ops->size == 0))
        c->ops->fini(c);
    stream_close(&c->stream);
    tls_client_unref(c->tls);
    c->tls = NULL;
    free(c->state);
    c->state = NULL;
}

void
checker_start(struct checker *c)
{
    if (c->running)
        return;
    c->running = true;
    c->ended = c->awaiting = c->keep = false;
    c->facts = NULL;
    c->verdict = (struct check_verdict){.share = 1};
    c->started_us = clock_us();
    loop_start_timer(c->loop, &c->deadline, c->upstream->check.timeout_ms);
    if (c->ops->start != NULL)
        c->ops->start(c);
    else
        checker_connect(c);
}
