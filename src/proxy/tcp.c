/* SPDX-License-Identifier: MIT */
#include "proxy/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/counters.h"
#include "codec/proxyproto.h"
#include "proxy/access_log.h"
#include "proxy/listener.h"
#include "proxy/mysql_visible.h"
#include "proxy/runtime.h"
#include "proxy/section.h"
#include "proxy/tcp_session.h"

static double
ms_between(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? (double)(to_us - from_us) / 1000.0 : 0;
}

static void
set_term(struct tcp_session *s, const char *flags)
{
    s->term[0] = flags[0];
    s->term[1] = flags[1];
}

static void
free_session(struct deferred *cleanup)
{
    struct tcp_session *s = container_of(cleanup, struct tcp_session, cleanup);
    struct engine *engine = s->listener->engine;

    if (s->prelude != NULL && s->prelude->forget != NULL)
        s->prelude->forget(s);
    flow_reroute(&s->flow);
    section_hooks_release(s->hooks);
    free(s->here);
    runtime_unref(s->runtime);
    slab_give(&engine->tcp_sessions, s);
}

static void
give_server_back(struct tcp_session *s)
{
    struct server_counters *counters;
    struct flow_result result = {
        .ok = s->term[0] != 'S' && s->term[0] != 's',
        .error = s->reason,
        .connect_ms = ms_between(s->picked_us, s->connected_us),
        .total_ms = ms_between(s->accepted_us, clock_us()),
        .bytes_in = s->up.bytes,
        .bytes_out = s->down.bytes,
    };

    if (s->server == NULL)
        return;
    counters = upstream_counters(s->server->server);
    counter_add(&counters->bytes_in, s->up.bytes);
    counter_add(&counters->bytes_out, s->down.bytes);
    pool_close(s->server);
    upstream_give(&s->flow, &result, false);
    s->server = NULL;
}

struct hook_conn
tcp_hook_conn(struct tcp_session *s)
{
    return (struct hook_conn){
        .client = &s->client_addr,
        .listener = s->flow.listener,
        .section = s->section->conf->name,
        .hook_ref = &s->hook_ref,
    };
}

static void
tell_close_hook(struct tcp_session *s)
{
    const struct section_hooks *hooks = s->hooks;
    const struct hook_conn conn = tcp_hook_conn(s);
    const struct mysql_count count = mysql_visible_count(s->visible);
    const struct flow_result result = {
        .ok = s->term[0] == '-',
        .error = s->term[0] == '-' ? NULL : s->reason,
        .connect_ms = ms_between(s->picked_us, s->connected_us),
        .total_ms = ms_between(s->accepted_us, clock_us()),
        .bytes_in = s->up.bytes,
        .bytes_out = s->down.bytes,
        .queries = count.queries,
        .transactions = count.transactions,
        .errors = count.errors,
    };

    if (hooks->close != NULL)
        hooks->close(hooks->arg, &conn, &result);
}

void
tcp_close(struct tcp_session *s, const char *flags, const char *reason)
{
    struct section_counters *counters = runtime_section_counters(s->section);
    struct engine *engine = s->dial.engine;

    if (s->reason != NULL)
        return;
    s->reason = reason;
    set_term(s, flags);
    log_debug("session closed: %s section=" STR_FMT, reason,
              STR_ARG(s->section->conf->name));
    counter_add(&counters->bytes_in, s->up.bytes);
    counter_add(&counters->bytes_out, s->down.bytes);
    if (flags[0] != '-' && flags[0] != 'U')
        counter_add(&counters->errors, 1);
    if (s->prelude != NULL && s->prelude->leave != NULL)
        s->prelude->leave(s);
    dial_stop(&s->dial);
    timer_stop(&s->timer);
    deferred_cancel(&s->resume);
    give_server_back(s);
    access_log_tcp(s); /* HAProxy counts what is open without this one */
    tell_close_hook(s);
    stream_close(&s->client);
    pipe_drop(&s->up, engine);
    pipe_drop(&s->down, engine);
    listener_dismiss(s->listener);
    engine_remove(engine, &s->session);
    loop_defer(engine->loop, &s->cleanup);
}

/* A server that breaks off before it has said a word has failed. */
static void
note_reset(const struct tcp_session *s, const char *flags)
{
    if (flags[0] == 'S' && s->server != NULL && s->server_error == 0 &&
        s->down.bytes == 0)
        upstream_observe(s->server->server);
}

/* A side broke: the other one is to see that it was no orderly end. */
static void
session_break(struct tcp_session *s, const char *flags, int error)
{
    note_reset(s, flags);
    if (s->server != NULL)
        stream_reset(&s->server->stream);
    stream_reset(&s->client);
    tcp_close(s, flags, strerror(error));
}

static bool
pipes_moved(struct tcp_session *s, uint64_t before)
{
    return s->up.bytes + s->down.bytes != before;
}

/* The server takes no more, but what it said before, why most likely, may still
 * lie in its socket: the client gets that first. */
static bool
server_stops_taking(struct tcp_session *s)
{
    if (s->down.to_ended) {
        session_break(s, "SD", errno);
        return false;
    }
    note_reset(s, "SD");
    s->server_error = errno;
    s->up.from_ended = s->up.to_ended = true;
    pipe_drop(&s->up, s->dial.engine);
    s->server->stream.hung_up = s->server->stream.readable = true;
    return true;
}

static bool
run_pipe(struct tcp_session *s, struct tcp_pipe *pipe)
{
    bool upward = pipe == &s->up;
    bool last =
        (upward ? s->down.to_ended : s->up.to_ended) && s->server_error == 0;

    switch (pipe_run(pipe, s->dial.engine, last)) {
    case PIPE_WAITS:
        return true;
    case PIPE_BUSY:
        loop_defer(s->dial.engine->loop, &s->resume);
        return true;
    case PIPE_BROKE_FROM:
        session_break(s, upward ? "CD" : "SD", errno);
        return false;
    case PIPE_BROKE_TO:
        if (upward)
            return server_stops_taking(s);
        session_break(s, "CD", errno);
        return false;
    }
    return false;
}

static void
session_run(struct tcp_session *s)
{
    uint64_t before = s->up.bytes + s->down.bytes;

    if (s->reason != NULL)
        return;
    if (s->logging_in) {
        s->prelude->run(s);
        return;
    }
    if (s->server == NULL)
        return;
    if (!run_pipe(s, &s->up) || !run_pipe(s, &s->down))
        return;
    if (pipes_moved(s, before))
        s->active_ms = clock_ms();
    if (!s->up.to_ended || !s->down.to_ended)
        return;
    /* Closed, not reset, which would drop the server's last words.  What the
     * client goes on sending is answered by the kernel. */
    if (s->server_error != 0)
        tcp_close(s, "SD", strerror(s->server_error));
    else
        tcp_close(s, "--", "both sides have ended");
}

/* Who ends its side while it waits, and has said nothing, is not there any
 * more: it makes room for those behind it. What it has said is still to be
 * brought to a server. */
static void
on_client(struct stream *stream)
{
    struct tcp_session *s = container_of(stream, struct tcp_session, client);

    if (s->flow.queued && stream_is_deserted(stream))
        tcp_close(s, "CQ", "the client left while it waited");
    else
        session_run(s);
}

static void
on_server(struct stream *stream)
{
    session_run(server_conn_of(stream)->owner);
}

static void
on_resume(struct deferred *deferred)
{
    session_run(container_of(deferred, struct tcp_session, resume));
}

static uint32_t
idle_limit_ms(const struct tcp_session *s)
{
    uint32_t client_ms = s->limits.client_timeout_ms;
    uint32_t server_ms = s->limits.server_timeout_ms;

    return client_ms < server_ms ? client_ms : server_ms;
}

/* Nothing is re-armed on traffic: when the timer fires, it is seen how long
 * ago the last byte was. */
static void
on_idle(struct timer *timer)
{
    struct tcp_session *s = container_of(timer, struct tcp_session, timer);
    uint64_t limit_ms = idle_limit_ms(s);
    uint64_t idle_ms = clock_ms() - s->active_ms;

    if (s->logging_in) {
        s->prelude->late(s);
        return;
    }
    if (idle_ms < limit_ms) {
        loop_start_timer(s->dial.engine->loop, timer, limit_ms - idle_ms);
        return;
    }
    if (s->limits.client_timeout_ms <= s->limits.server_timeout_ms)
        tcp_close(s, "cD", "client timed out");
    else
        tcp_close(s, "sD", "server timed out");
}

/* Tells the server whom the connection is for, before anything else is said. A
 * new socket takes so few bytes at once. */
static int
send_proxy(struct tcp_session *s, enum proxyproto_version version)
{
    struct addr here = {.len = 0};
    char space[PROXYPROTO_MAX];
    struct buf header;
    ssize_t sent;

    if (s->here != NULL)
        here = *s->here;
    else
        (void)addr_of_socket(&here, s->client.fd);
    buf_init(&header, space, sizeof(space));
    proxyproto_write(&header, version, &s->client_addr, &here);
    sent = stream_write(&s->server->stream, header.p, header.len);
    if (sent == (ssize_t)header.len)
        return 0;
    if (sent >= 0)
        errno = ENOBUFS;
    return -1;
}

static int
introduce(struct tcp_session *s)
{
    switch (s->server->server->upstream->conf->send_proxy) {
    case SEND_PROXY_OFF:
        break;
    case SEND_PROXY_V1:
        return send_proxy(s, PROXYPROTO_V1);
    case SEND_PROXY_V2:
        return send_proxy(s, PROXYPROTO_V2);
    }
    return 0;
}

void
tcp_join(struct tcp_session *s)
{
    s->logging_in = false;
    s->up.to = s->down.from = &s->server->stream;
    s->active_ms = clock_ms();
    loop_start_timer(s->dial.engine->loop, &s->timer, idle_limit_ms(s));
    session_run(s);
}

static const char *
flags_of(enum dial_result result)
{
    switch (result) {
    case DIAL_CONNECTED:
        return "--";
    case DIAL_DOWN:
    case DIAL_FAILED:
        return "SC";
    case DIAL_TIMEOUT:
        return "sC";
    case DIAL_FULL:
        return "PC";
    case DIAL_EXPIRED:
        return "sQ";
    case DIAL_REFUSED:
        return "PR";
    }
    return "SC";
}

static void
give_up(struct tcp_session *s, enum dial_result result)
{
    log_warn("no server for a connection: %s section=" STR_FMT
             " upstream=" STR_FMT,
             s->dial.reason, STR_ARG(s->section->conf->name),
             STR_ARG(s->flow.upstream->conf->name));
    if (s->prelude != NULL)
        s->prelude->failed(s, result);
    tcp_close(s, flags_of(result), s->dial.reason);
}

void
tcp_retry(struct tcp_session *s, bool observe, const char *why)
{
    const struct server *server = s->server->server;

    timer_stop(&s->timer);
    counter_add(&upstream_counters(server)->connect_errors, 1);
    if (observe)
        upstream_observe(server);
    pool_close(s->server);
    s->server = NULL;
    s->connected_us = 0;
    if (dial_again(&s->dial, RETRY_ON_CONNECT, why))
        return;
    s->retries = s->dial.attempts > 0 ? s->dial.attempts - 1 : 0;
    give_up(s, DIAL_FAILED);
}

static void
on_connected(struct tcp_session *s)
{
    s->server = s->dial.conn;
    s->server->owner = s;
    s->server->stream.on_ready = on_server;
    s->connected_us = clock_us();
    upstream_answered(s->server->server, s->dial.started_us);
    if (introduce(s) < 0) {
        if (s->logging_in)
            tcp_retry(s, true, strerror(errno));
        else
            session_break(s, "SC", errno);
        return;
    }
    if (s->logging_in)
        s->prelude->connected(s);
    else if (s->prelude != NULL && s->prelude->meet != NULL &&
             s->prelude->meet(s) < 0)
        session_break(s, "PR", errno);
    else
        tcp_join(s);
}

static void
on_dialled(struct dial *dial, enum dial_result result)
{
    struct tcp_session *s = container_of(dial, struct tcp_session, dial);

    s->picked_us = dial->picked_us;
    s->retries = dial->attempts > 0 ? dial->attempts - 1 : 0;
    if (result == DIAL_CONNECTED)
        on_connected(s);
    else
        give_up(s, result);
}

/* HAProxy's flags for a session that ended because its server was marked down,
 * and because somebody ended it. */
static void
on_gone(struct flow *flow, enum flow_gone how, const char *why)
{
    struct tcp_session *s = container_of(flow, struct tcp_session, flow);

    if (s->server == NULL) {
        dial_server_gone(&s->dial, why);
        return;
    }
    if (how == FLOW_GONE_KEEP)
        return;
    stream_reset(&s->server->stream);
    if (s->logging_in)
        s->prelude->killed(s, why);
    else
        stream_reset(&s->client);
    if (how == FLOW_GONE_MAINT)
        tcp_close(s, "KD", "the server is in maintenance");
    else
        tcp_close(s, "DD", "the server is down");
}

/* Sessions that are joined end by themselves; that is what draining means for
 * them, and drain_timeout is how long it may take. */
static void
on_drain(struct engine_session *session)
{
    (void)session;
}

static void
on_kill(struct engine_session *session, const char *reason)
{
    struct tcp_session *s = container_of(session, struct tcp_session, session);

    if (s->logging_in)
        s->prelude->killed(s, reason);
    tcp_close(s, "KD", reason);
}

/* Asks the section's `accept`; false: the client is refused. */
static bool
ask_accept(struct tcp_session *s)
{
    struct section *section = s->section;
    struct hook_verdict verdict = {0};
    const struct hook_conn conn = tcp_hook_conn(s);
    enum hook_result result;

    if (s->hooks->accept == NULL)
        return true;
    result = s->hooks->accept(s->hooks->arg, &conn, &verdict);
    s->flow.priority = verdict.priority;
    switch (result) {
    case HOOK_PASS:
    case HOOK_REPLY:
    case HOOK_WAIT:
    case HOOK_LATE:
        return true;
    case HOOK_ROUTE:
        flow_route(&s->flow, verdict.upstream, verdict.server);
        return true;
    case HOOK_FAILED:
        return section->conf->script_failure == SCRIPT_FAILURE_PASS;
    case HOOK_DENY:
        log_info("connection refused by a script: " STR_FMT " section=" STR_FMT,
                 STR_ARG(verdict.reason), STR_ARG(section->conf->name));
        if (s->prelude != NULL)
            s->prelude->refused(s, verdict.reason);
        return false;
    }
    return true;
}

static struct tcp_session *
session_new(struct listener *listener, const struct section_client *client)
{
    struct tcp_session *s =
        slab_take(&listener->engine->tcp_sessions, sizeof(*s));

    if (s == NULL)
        return NULL;
    memset(s, 0, sizeof(*s));
    s->runtime = runtime_ref(listener->runtime);
    s->listener = listener;
    s->section = listener->fallback;
    /* Who is closed before any hook sees it: none is told of its end. */
    s->hooks = section_hooks_hold(client->flags == NULL ? s->section->hooks
                                                        : &section_no_hooks);
    s->client_addr = *client->addr;
    s->here = client->here;
    s->flow.upstream = s->section->upstream;
    s->flow.client = &s->client_addr;
    s->flow.listener = s->here != NULL ? s->here : &listener->addr;
    s->flow.section = s->section->conf->name;
    s->flow.on_gone = on_gone;
    s->accepted_us = clock_us();
    s->accepted_wall_ms = clock_wall_ms();
    s->active_ms = clock_ms();
    s->session.drain = on_drain;
    s->session.kill = on_kill;
    s->up.from = s->down.to = &s->client;
    set_term(s, "--");
    timer_init(&s->timer, on_idle);
    deferred_init(&s->cleanup, free_session);
    deferred_init(&s->resume, on_resume);
    return s;
}

static void
close_unseen(struct tcp_session *s, const struct section_client *client,
             const struct tcp_prelude *prelude)
{
    if (client->full && prelude != NULL)
        prelude->full(s);
    else if (client->flags[0] == 'P')
        counter_add(&runtime_section_counters(s->section)->denied, 1);
    tcp_close(s, client->flags, client->reason);
}

void
tcp_dial(struct tcp_session *s)
{
    limits_merge(&s->limits, s->section->conf, s->flow.upstream->conf);
    dial_start(&s->dial);
}

/* Its turn, where there is a prelude, and then a server. */
static void
begin(struct tcp_session *s)
{
    limits_merge(&s->limits, s->section->conf, s->flow.upstream->conf);
    if (s->prelude == NULL || s->prelude->begin == NULL) {
        dial_start(&s->dial);
        return;
    }
    s->logging_in = true;
    if (s->prelude->begin(s) < 0) {
        const char *why = strerror(errno);

        log_error("cannot take a connection: %s section=" STR_FMT, why,
                  STR_ARG(s->section->conf->name));
        tcp_close(s, "PR", why);
    }
}

void
tcp_accept(struct listener *listener, const struct section_client *client)
{
    tcp_open(listener, client, NULL);
}

void
tcp_open(struct listener *listener, const struct section_client *client,
         const struct tcp_prelude *prelude)
{
    struct engine *engine = listener->engine;
    struct tcp_session *s = session_new(listener, client);
    struct section_counters *counters;

    if (s == NULL ||
        stream_open(&s->client, engine->loop, client->fd, on_client) < 0)
        goto refuse;
    engine_add(engine, &s->session);
    dial_init(&s->dial, engine, &s->flow, &s->limits, on_dialled);
    counters = runtime_section_counters(s->section);
    counter_add(&counters->connections, 1);
    if (client->flags != NULL) {
        close_unseen(s, client, prelude);
        return;
    }
    counter_add(&counters->requests, 1);
    s->prelude = prelude;
    if (!ask_accept(s)) {
        counter_add(&counters->denied, 1);
        tcp_close(s, "PR", "refused by a script");
        return;
    }
    begin(s);
    return;

refuse:
    log_error("cannot take a connection: %s", strerror(errno));
    if (s != NULL)
        free_session(&s->cleanup);
    else
        free(client->here);
    close(client->fd);
    listener_dismiss(listener);
}
