/* SPDX-License-Identifier: MIT */
#include "proxy/dial.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/board.h"
#include "board/wake.h"
#include "proxy/engine.h"

static void attempt(struct dial *dial);
static void expire(struct dial *dial);

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
    if (!dial_may_retry(dial, RETRY_ON_CONNECT)) {
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

    dial->picked_us = clock_us(); /* a pause before it counts as waiting */
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

    if (waiter_waits(&dial->waiter)) {
        expire(dial);
        return;
    }
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

/* The end: no server is to be had. */
static void
give_up(struct dial *dial, enum dial_result result, const char *reason)
{
    bool failed = dial->attempts > 0 && result != DIAL_EXPIRED;

    /* Where an attempt has failed, its words say more than ours. */
    if (!failed || dial->reason == NULL)
        dial->reason = reason;
    dial->on_done(dial, failed ? DIAL_FAILED : result);
}

/* flow->server is held: uses a kept connection, or begins to connect. AGAIN: a
 * server that has failed just now gets a moment. */
static void
use_server(struct dial *dial, bool again)
{
    struct server *server = dial->flow->server;

    dial->picked_us = clock_us();
    if (dial->attempts++ > 0 && !again)
        counter_add(&upstream_counters(server)->redispatches, 1);
    dial->started_us = clock_us();
    counter_add(&upstream_counters(server)->requests, 1);
    if (!dial->fresh) {
        dial->conn = pool_take(server, on_connect, dial);
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

/* --- waiting in a queue --------------------------------------------------- */

static bool
may_wait(const struct dial *dial, enum upstream_error error)
{
    return error == UPSTREAM_FULL ||
           (error == UPSTREAM_DOWN && dial->flow->upstream->conf->hold);
}

static int
awaited_row(const struct flow *flow)
{
    return flow->awaited == NULL ? BOARD_NONE : flow->awaited->row;
}

/* Kept connections hold slots that are wanted, here and in other workers. */
static void
make_room(struct upstream *upstream)
{
    if (upstream->conf->keepalive == 0)
        return;
    pool_make_room(upstream);
    wake_workers(upstream->engine->board);
}

static bool
enter_queue(struct dial *dial, uint64_t timeout_ms)
{
    struct flow *flow = dial->flow;
    int server = awaited_row(flow);
    uint32_t ahead;

    if (waiter_enter(&dial->waiter, &flow->upstream->queue, server,
                     flow->priority, &ahead) < 0)
        return false;
    *(server == BOARD_NONE ? &flow->place_of_any : &flow->place_of_server) =
        ahead + 1;
    flow->queued = true;
    dial->queued_us = clock_us();
    loop_start_timer(dial->engine->loop, &dial->timer, timeout_ms);
    make_room(flow->upstream);
    return true;
}

static void
leave_queue(struct dial *dial, enum queue_end why)
{
    if (!waiter_waits(&dial->waiter))
        return;
    timer_stop(&dial->timer);
    dial->flow->queued = false;
    dial->flow->queued_us += clock_us() - dial->queued_us;
    waiter_leave(&dial->waiter, why);
}

static void
count_wait(const struct dial *dial)
{
    struct server_counters *counters = upstream_counters(dial->flow->server);

    counter_add(&counters->waited, 1);
    counter_add(&counters->waited_ms, (clock_us() - dial->queued_us) / 1000);
}

static void
expire(struct dial *dial)
{
    leave_queue(dial, QUEUE_EXPIRED);
    give_up(dial, DIAL_EXPIRED,
            dial->flow->upstream->conf->hold
                ? "no server was to be had within queue_timeout"
                : "no server had room within queue_timeout");
}

/* Where only servers that have failed have room, the first in the queue would
 * keep it from all others: after a moment they are better than none. */
static bool
may_forgive(const struct dial *dial)
{
    return dial->flow->tried_count > 0 &&
           clock_us() - dial->queued_us >= DIAL_SAME_SERVER_MS * 1000;
}

/* Only a grant lets it go before those who wait where it asks now: one that was
 * shaken goes behind them. */
static enum upstream_error
take_turn(struct dial *dial, bool *again, const char **reason)
{
    struct flow *flow = dial->flow;
    enum upstream_error error;

    flow->granted = dial->waiter.granted;
    error = upstream_take(flow, dial->fresh, again, reason);
    if (error == UPSTREAM_FULL && may_forgive(dial)) {
        flow->tried_count = 0;
        error = upstream_take(flow, dial->fresh, again, reason);
    }
    flow->granted = false;
    return error;
}

/* It waits for something else now, but no longer than it would have. */
static bool
wait_elsewhere(struct dial *dial)
{
    uint64_t due_ms = dial->timer.due_ms;
    uint64_t now_ms = clock_ms();

    leave_queue(dial, QUEUE_GIVEN_UP);
    return enter_queue(dial, due_ms > now_ms ? due_ms - now_ms : 0);
}

/* Its turn has come, or its chances have changed. */
static void
on_turn(struct waiter *waiter)
{
    struct dial *dial = container_of(waiter, struct dial, waiter);
    const char *reason = "the policy chose no server";
    bool again;
    enum upstream_error error = take_turn(dial, &again, &reason);

    if (error == UPSTREAM_TAKEN) {
        leave_queue(dial, QUEUE_SERVED);
        count_wait(dial);
        /* With a kept connection, the slot that was granted is left over. */
        if (dial->flow->upstream->conf->keepalive > 0)
            wait_queue_settle(&dial->flow->upstream->queue);
        use_server(dial, again);
        return;
    }
    if (may_wait(dial, error)) {
        if (waiter->server == awaited_row(dial->flow))
            waiter_stay(waiter);
        else if (!wait_elsewhere(dial))
            give_up(dial, result_of(error), reason);
        return;
    }
    leave_queue(dial, QUEUE_GIVEN_UP);
    give_up(dial, result_of(error), reason);
}

/* --- attempts ------------------------------------------------------------- */

/* connect_failed calls this again: the depth is bounded by `retries`. */
static void
attempt(struct dial *dial)
{
    const char *reason = "the policy chose no server";
    enum upstream_error error;
    bool again;

    error = upstream_take(dial->flow, dial->fresh, &again, &reason);
    if (error == UPSTREAM_TAKEN)
        use_server(dial, again);
    else if (!may_wait(dial, error) ||
             !enter_queue(dial, dial->limits->queue_timeout_ms))
        give_up(dial, result_of(error), reason);
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
    waiter_init(&dial->waiter, on_turn);
}

void
dial_start(struct dial *dial)
{
    attempt(dial);
}

bool
dial_may_retry(const struct dial *dial, enum retry_on why)
{
    return (dial->limits->retry_on & (unsigned)why) != 0 &&
           dial->attempts <= dial->limits->retries;
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
    if (!dial_may_retry(dial, why))
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

    leave_queue(dial, QUEUE_GIVEN_UP);
    if (!timer_is_running(&dial->timer))
        return;
    timer_stop(&dial->timer);
    pool_close(dial->conn);
    dial->conn = NULL;
    upstream_give(dial->flow, &result, false);
}

void
dial_server_gone(struct dial *dial, const char *why)
{
    struct server *server = dial->flow->server;

    if (server == NULL || !timer_is_running(&dial->timer) ||
        !dial_may_retry(dial, RETRY_ON_DOWN))
        return;
    timer_stop(&dial->timer);
    pool_close(dial->conn);
    dial->conn = NULL;
    give_up_attempt(dial, why);
    counter_add(&upstream_counters(server)->retries, 1);
    attempt(dial);
}
