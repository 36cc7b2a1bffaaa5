/* SPDX-License-Identifier: MIT */
#include "proxy/dial.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/counters.h"
#include "proxy/engine.h"

static void attempt(struct dial *dial);

static void
log_failure(const struct dial *dial, const struct server *server)
{
    log_warn("server " STR_FMT "/" STR_FMT " at " STR_FMT
             " failed: %s attempt=%u",
             STR_ARG(server->upstream->conf->name), STR_ARG(server->conf->name),
             STR_ARG(server->conf->address.text), dial->reason, dial->attempts);
}

static double
ms_since(uint64_t us)
{
    return (double)(clock_us() - us) / 1000.0;
}

/* The attempt under way has failed: what it held is given back. */
static void
give_up_attempt(struct dial *dial, const char *reason)
{
    struct server *server = dial->flow->server;
    struct flow_result result = {
        .ok = false,
        .error = reason,
        .connect_ms = ms_since(dial->started_us),
        .total_ms = ms_since(dial->started_us),
    };

    dial->reason = reason;
    log_failure(dial, server);
    flow_add_tried(dial->flow, server->index);
    upstream_give(dial->flow, &result, false);
}

static bool
may_retry(const struct dial *dial, enum retry_on why)
{
    return (dial->limits->retry_on & (unsigned)why) != 0 &&
           dial->attempts <= dial->limits->retries;
}

/* After a failed connect: another attempt, or the end. */
static void
connect_failed(struct dial *dial, enum dial_result result, const char *reason)
{
    struct server *server = dial->flow->server;

    timer_stop(&dial->timer);
    pool_close(dial->conn);
    dial->conn = NULL;
    counter_add(&upstream_counters(server)->connect_errors, 1);
    give_up_attempt(dial, reason);
    if (!may_retry(dial, RETRY_ON_CONNECT)) {
        dial->on_done(dial, result);
        return;
    }
    counter_add(&upstream_counters(server)->retries, 1);
    attempt(dial);
}

static void
hand_over(struct dial *dial)
{
    if (dial->limits->tcp_keepalive)
        pool_probe_later(dial->conn);
    dial->on_done(dial, DIAL_CONNECTED);
}

static void
connected(struct dial *dial)
{
    timer_stop(&dial->timer);
    counter_add(&upstream_counters(dial->flow->server)->connections, 1);
    hand_over(dial);
}

static void
on_connect(struct stream *stream)
{
    struct dial *dial = server_conn_of(stream)->owner;
    int error = stream_connect_error(stream);

    if (error == EINPROGRESS)
        return;
    if (error == 0) {
        connected(dial);
        return;
    }
    upstream_observe(dial->flow->server);
    connect_failed(dial, DIAL_FAILED, strerror(error));
}

static void
begin_connect(struct dial *dial)
{
    const struct server *server = dial->flow->server;

    dial->conn = pool_connect(dial->flow->server, on_connect, dial);
    if (dial->conn == NULL) {
        if (!stream_error_is_local(errno))
            upstream_observe(server);
        connect_failed(dial, DIAL_FAILED,
                       server->addr_count == 0 ? "its name does not resolve"
                                               : strerror(errno));
        return;
    }
    if (dial->conn->stream.writable) {
        connected(dial);
        return;
    }
    loop_start_timer(dial->engine->loop, &dial->timer,
                     dial->limits->connect_timeout_ms);
}

static void
on_timer(struct timer *timer)
{
    struct dial *dial = container_of(timer, struct dial, timer);

    if (dial->conn == NULL) {
        begin_connect(dial);
        return;
    }
    upstream_observe(dial->flow->server);
    connect_failed(dial, DIAL_TIMEOUT, "connect timed out");
}

static enum dial_result
result_of(enum upstream_error error)
{
    switch (error) {
    case UPSTREAM_TAKEN:
        return DIAL_CONNECTED;
    case UPSTREAM_DOWN:
        return DIAL_DOWN;
    case UPSTREAM_FULL:
        return DIAL_FULL;
    case UPSTREAM_REFUSED:
        return DIAL_REFUSED;
    }
    return DIAL_DOWN;
}

/* connect_failed calls this again: the depth is bounded by `retries`. */
static void
attempt(struct dial *dial)
{
    const char *reason = "the policy chose no server";
    enum upstream_error error;
    bool again;

    error = upstream_take(dial->flow, dial->fresh, &again, &reason);
    if (error != UPSTREAM_TAKEN) {
        /* Where an attempt has failed, its words say more than ours. */
        if (dial->attempts == 0 || dial->reason == NULL)
            dial->reason = reason;
        dial->on_done(dial,
                      dial->attempts == 0 ? result_of(error) : DIAL_FAILED);
        return;
    }
    if (dial->attempts++ == 0)
        dial->picked_us = clock_us();
    else if (!again)
        counter_add(&upstream_counters(dial->flow->server)->redispatches, 1);
    dial->started_us = clock_us();
    counter_add(&upstream_counters(dial->flow->server)->requests, 1);
    if (!dial->fresh) {
        dial->conn = pool_take(dial->flow->server, on_connect, dial);
        if (dial->conn != NULL) {
            hand_over(dial);
            return;
        }
    }
    if (again)
        loop_start_timer(dial->engine->loop, &dial->timer, DIAL_SAME_SERVER_MS);
    else
        begin_connect(dial);
}

void
dial_init(struct dial *dial, struct engine *engine, struct flow *flow,
          const struct limits_conf *limits, dial_fn on_done)
{
    *dial = (struct dial){
        .engine = engine,
        .flow = flow,
        .limits = limits,
        .on_done = on_done,
    };
    timer_init(&dial->timer, on_timer);
}

void
dial_start(struct dial *dial)
{
    attempt(dial);
}

bool
dial_again(struct dial *dial, enum retry_on why, const char *reason)
{
    struct server *server = dial->flow->server;

    dial->conn = NULL;
    give_up_attempt(dial, reason);
    /* The next attempt must not fall into another connection of the same
     * kind: kept ones die together when a server restarts. */
    dial->fresh = true;
    if (!may_retry(dial, why))
        return false;
    counter_add(&upstream_counters(server)->retries, 1);
    attempt(dial);
    return true;
}

void
dial_stop(struct dial *dial)
{
    struct flow_result result = {
        .ok = true, /* the server did nothing wrong: the client left */
        .total_ms = ms_since(dial->started_us),
    };

    if (!timer_is_running(&dial->timer))
        return;
    timer_stop(&dial->timer);
    pool_close(dial->conn);
    dial->conn = NULL;
    upstream_give(dial->flow, &result, false);
}
