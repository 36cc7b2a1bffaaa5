/* SPDX-License-Identifier: MIT */
#include "proxy/upstream.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/changes.h"
#include "board/latency.h"
#include "board/slots.h"
#include "board/wake.h"
#include "proxy/engine.h"

/* A policy whose choice was taken by another worker in the meantime is asked
 * again, with fresh views; this often at most. */
enum {
    TAKE_ATTEMPTS = 32
};

struct server *
upstream_find_server(const struct upstream *upstream, struct str name)
{
    return map_get(&upstream->names, name);
}

struct server_counters *
upstream_counters(const struct server *server)
{
    const struct engine *engine = server->upstream->engine;

    return board_server_counters(engine->board, engine->worker, server->row);
}

/* What is not read now, since it is being changed, is the next time. */
static bool
copy_addresses(struct server *server, uint32_t version)
{
    struct addr addrs[BOARD_ADDRS_MAX];
    int count = board_read_addresses(addrs, server->upstream->engine->board,
                                     server->row);

    if (count < 0)
        return false;
    memcpy(server->addrs, addrs, (size_t)count * sizeof(*addrs));
    server->addr_count = (unsigned)count;
    server->addr_next = 0;
    server->addr_version = version;
    return true;
}

bool
upstream_read_addresses(struct server *server)
{
    uint32_t version =
        board_addresses_version(server->upstream->engine->board, server->row);

    return version != server->addr_version && copy_addresses(server, version);
}

void
upstream_observe(const struct server *server)
{
    const struct upstream *upstream = server->upstream;
    struct board *board = upstream->engine->board;

    atomic_fetch_add_explicit(&board->servers[server->row].failures, 1,
                              memory_order_relaxed);
    (void)latency_add(board, server->row, LATENCY_FAILURE_MS, clock_ms());
    if (upstream->conf->observe.errors > 0)
        wake_control(board);
}

void
upstream_observe_status(const struct server *server, int status)
{
    if (status >= 500 && server->upstream->conf->observe.on_5xx)
        upstream_observe(server);
}

/* Nobody is told: a choice by latency reads the board, and what views show of
 * it comes with the next change, for instance of the slots. */
void
upstream_answered(const struct server *server, uint64_t since_us)
{
    (void)latency_add(server->upstream->engine->board, server->row,
                      (double)(clock_us() - since_us) / 1000.0, clock_ms());
}

double
upstream_latency(const struct upstream *upstream, unsigned index)
{
    return latency_read(upstream->engine->board, upstream->servers[index].row,
                        clock_ms());
}

void
upstream_refresh(struct upstream *upstream)
{
    roster_refresh(&upstream->roster);
}

uint64_t
upstream_connections(struct upstream *upstream)
{
    roster_refresh(&upstream->roster);
    return (uint64_t)upstream->roster.taken;
}

uint64_t
upstream_turn(struct upstream *upstream, struct flow *flow)
{
    if (flow == NULL)
        return 0;
    if (!flow->has_turn) {
        flow->turn = board_turn(upstream->engine->board, upstream->row);
        flow->has_turn = true;
    }
    return flow->turn;
}

/* Position TURN of a rotation in which every usable server stands as often as
 * its weight.  Servers with equal weights are taken in turn. */
int
upstream_pick_builtin(struct upstream *upstream, struct flow *flow)
{
    uint64_t total = 0;
    uint64_t place;

    for (unsigned i = 0; i < upstream->server_count; i++) {
        if (upstream->views[i].usable)
            total += (uint64_t)upstream->views[i].weight;
    }
    if (total == 0)
        return HOOK_PICK_NONE;
    place = upstream_turn(upstream, flow) % total;
    for (unsigned i = 0; i < upstream->server_count; i++) {
        uint64_t weight = (uint64_t)upstream->views[i].weight;

        if (!upstream->views[i].usable)
            continue;
        if (place < weight)
            return (int)i;
        place -= weight;
    }
    return HOOK_PICK_NONE;
}

/* A policy may have a flow wait for a server that is in service. */
static bool
index_is_good(const struct upstream *upstream, int index, bool wait)
{
    if (index < 0 || (unsigned)index >= upstream->server_count)
        return false;
    return upstream->views[index].usable ||
           (wait && roster_is_in_service(&upstream->roster, (unsigned)index));
}

/* Asks the policy, and the built-in one where that fails. */
static int
ask_policy(struct upstream *upstream, struct flow *flow, const char **reason,
           bool *wait)
{
    const struct policy_hooks *policy = flow->policy;
    int index;

    if (policy->pick == NULL)
        return upstream_pick_builtin(upstream, flow);
    upstream->picking = flow;
    index = policy->pick(policy->arg, flow, reason, wait);
    upstream->picking = NULL;
    if (index == HOOK_PICK_NONE || index_is_good(upstream, index, *wait))
        return index;
    if (index != HOOK_PICK_FAILED)
        policy->misused(policy->arg, index);
    *wait = false;
    return upstream_pick_builtin(upstream, flow);
}

static bool
take_slot(struct server *server, bool fresh)
{
    struct engine *engine = server->upstream->engine;

    /* The slot comes with the kept connection. */
    if (!fresh && server->idle_count > 0)
        return true;
    if (!slot_take(engine->board, engine->worker,
                   board_server_slot(server->row), server->conf->maxconn)) {
        /* Who took the last one may not have noted it yet. */
        roster_refresh_one(&server->upstream->roster, server->index);
        return false;
    }
    changes_note(engine->board, server->row);
    return true;
}

static void
hold(struct flow *flow, struct server *server)
{
    flow->server = server;
    list_init(&flow->link);
    list_add_tail(&server->flows, &flow->link);
}

static enum upstream_error
refuse(const struct roster_counts *counts, unsigned usable, const char **reason)
{
    if (usable > 0) {
        *reason = "others wait for a server";
        return UPSTREAM_FULL;
    }
    if (counts->full > 0) {
        *reason = "all servers are at their maxconn";
        return UPSTREAM_FULL;
    }
    *reason = "no server is available";
    return UPSTREAM_DOWN;
}

/* Takes SERVER and no other: it, too, has those who wait for it by name. */
static enum upstream_error
take_only(struct flow *flow, struct server *server, bool fresh,
          const char **reason)
{
    const struct board *board = server->upstream->engine->board;

    if ((!flow->granted && queue_of_server(board, server->row) > 0) ||
        !take_slot(server, fresh)) {
        *reason = "the server is at its maxconn";
        flow->awaited = server;
        return UPSTREAM_FULL;
    }
    hold(flow, server);
    return UPSTREAM_TAKEN;
}

static enum upstream_error
take_pinned(struct flow *flow, bool fresh, bool *again, const char **reason)
{
    struct server *server = flow->pinned;
    struct upstream *upstream = server->upstream;
    const struct server_view *view = &upstream->views[server->index];

    *again = flow_has_tried(flow, server->index);
    roster_refresh_one(&upstream->roster, server->index);
    if (!view->up || view->maint) {
        *reason = "the server that was asked for is not available";
        flow->awaited = server;
        return UPSTREAM_DOWN;
    }
    return take_only(flow, server, fresh, reason);
}

/* Whether others have waited for what FLOW asks for, and are to go first. */
static bool
others_wait(const struct flow *flow)
{
    const struct upstream *upstream = flow->upstream;

    return !flow->granted &&
           queue_of_upstream(upstream->engine->board, upstream->row) > 0;
}

static enum upstream_error
take_any(struct flow *flow, struct server *server, bool fresh,
         const char **reason)
{
    if (others_wait(flow) || !take_slot(server, fresh)) {
        *reason = "all servers are at their maxconn";
        return UPSTREAM_FULL;
    }
    hold(flow, server);
    return UPSTREAM_TAKEN;
}

/* What became of one look at the servers. */
enum look {
    LOOK_TAKEN, /* flow->server is set */
    LOOK_OVER,  /* *ERROR says why there is none */
    LOOK_AGAIN, /* things have changed meanwhile */
};

static enum look
look(struct flow *flow, bool fresh, bool *again, enum upstream_error *error,
     const char **reason)
{
    struct upstream *upstream = flow->upstream;
    struct roster_counts counts;
    int index = HOOK_PICK_NONE;
    bool wait = false;
    unsigned usable = roster_enter(&upstream->roster, flow, &counts);
    bool asked = flow->policy->waits ? roster_in_service(&counts) > 0
                                     : usable > 0 && !others_wait(flow);

    if (asked)
        index = ask_policy(upstream, flow, reason, &wait);
    roster_leave(&upstream->roster, flow);
    if (!asked) {
        *error = refuse(&counts, usable, reason);
        if (*error == UPSTREAM_FULL || counts.tried == 0)
            return LOOK_OVER;
        flow->tried_count = 0;
        *again = true;
        return LOOK_AGAIN;
    }
    *error = UPSTREAM_REFUSED;
    if (index < 0)
        return LOOK_OVER;
    *error = wait ? take_only(flow, &upstream->servers[index], fresh, reason)
                  : take_any(flow, &upstream->servers[index], fresh, reason);
    if (*error != UPSTREAM_TAKEN)
        return wait || others_wait(flow) ? LOOK_OVER : LOOK_AGAIN;
    *again = *again || flow_has_tried(flow, (unsigned)index);
    return LOOK_TAKEN;
}

enum upstream_error
upstream_take(struct flow *flow, bool fresh, bool *again, const char **reason)
{
    enum upstream_error error = UPSTREAM_DOWN;

    *again = false;
    flow->awaited = NULL;
    if (flow->policy == NULL)
        flow->policy = policy_hooks_hold(flow->upstream->policy);
    if (flow->pinned != NULL)
        return take_pinned(flow, fresh, again, reason);
    for (unsigned i = 0; i < TAKE_ATTEMPTS; i++) {
        switch (look(flow, fresh, again, &error, reason)) {
        case LOOK_TAKEN:
            return UPSTREAM_TAKEN;
        case LOOK_OVER:
            return error;
        case LOOK_AGAIN:
            break;
        }
    }
    *reason = "all servers are at their maxconn";
    return UPSTREAM_FULL;
}

/* Whose turn is it for the slot of SERVER that has come free? */
static void
offer_slot(struct server *server)
{
    struct upstream *upstream = server->upstream;
    const struct board *board = upstream->engine->board;

    if (queue_of_upstream(board, upstream->row) > 0 ||
        queue_of_server(board, server->row) > 0)
        wait_queue_settle(&upstream->queue);
}

void
upstream_give_slot(struct server *server)
{
    struct engine *engine = server->upstream->engine;

    slot_give(engine->board, engine->worker, board_server_slot(server->row));
    changes_note(engine->board, server->row);
    offer_slot(server);
}

void
upstream_count_idle(struct server *server, int by)
{
    server->idle_count += (unsigned)by;
    roster_set_idle(&server->upstream->roster, server->index,
                    server->idle_count);
}

bool
upstream_may_keep(const struct server *server)
{
    const struct upstream *upstream = server->upstream;
    const struct board *board = upstream->engine->board;
    uint32_t maxconn = server->conf->maxconn;

    return maxconn == 0 ||
           (slot_count(board, board_server_slot(server->row)) < maxconn &&
            queue_of_upstream(board, upstream->row) == 0 &&
            queue_of_server(board, server->row) == 0);
}

void
upstream_give(struct flow *flow, const struct flow_result *result,
              bool keep_slot)
{
    struct server *server = flow->server;
    const struct policy_hooks *policy;

    if (server == NULL)
        return;
    policy = flow->policy;
    if (policy->done != NULL)
        policy->done(policy->arg, flow, server, result);
    if (!result->ok)
        counter_add(&upstream_counters(server)->errors, 1);
    list_remove(&flow->link);
    flow->served = server;
    flow->server = NULL;
    if (!keep_slot)
        upstream_give_slot(server);
}
