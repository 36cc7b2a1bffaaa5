/* SPDX-License-Identifier: MIT */
#include "proxy/upstream.h"

#include <stddef.h>

#include "board/board.h"
#include "board/slots.h"
#include "proxy/engine.h"

/* A policy whose choice was taken by another worker in the meantime is asked
 * again, with fresh views; this often at most. */
enum {
    TAKE_ATTEMPTS = 32
};

struct server *
upstream_find_server(const struct upstream *upstream, struct str name)
{
    for (unsigned i = 0; i < upstream->server_count; i++) {
        if (str_equal(upstream->servers[i].conf->name, name))
            return &upstream->servers[i];
    }
    return NULL;
}

struct server_counters *
upstream_counters(const struct server *server)
{
    const struct engine *engine = server->upstream->engine;

    return board_server_counters(engine->board, engine->worker, server->row);
}

static bool
view_is_in_service(const struct server_view *view)
{
    return view->up && !view->draining && !view->maint && view->weight > 0;
}

static bool
server_has_room(const struct server *server, const struct server_view *view)
{
    return view->maxconn == 0 || view->active < view->maxconn ||
           server->idle_count > 0;
}

/* What the last refresh has seen, for the reason of a refusal. */
struct view_counts {
    unsigned usable;     /* servers that are not backups */
    unsigned backups;    /* usable backups */
    unsigned in_service; /* up, tried or not, full or not */
    unsigned full;       /* in service, not tried, at their maxconn */
    unsigned tried;      /* in service, but tried by the flow */
};

static void
refresh_one(struct upstream *upstream, unsigned i, const struct flow *flow,
            struct view_counts *counts)
{
    const struct server *server = &upstream->servers[i];
    struct server_view *view = &upstream->views[i];
    bool room;

    board_read_view(upstream->engine->board, server->row, view);
    room = server_has_room(server, view);
    /* Kept connections hold slots, but they are no load. */
    view->active -= (int32_t)server->idle_count;
    view->usable = false;
    if (!view_is_in_service(view))
        return;
    counts->in_service++;
    if (flow != NULL && flow_has_tried(flow, i)) {
        counts->tried++;
        return;
    }
    if (!room) {
        counts->full++;
        return;
    }
    view->usable = true;
    if (view->backup)
        counts->backups++;
    else
        counts->usable++;
}

static unsigned
refresh_views(struct upstream *upstream, const struct flow *flow,
              struct view_counts *counts)
{
    *counts = (struct view_counts){0};
    for (unsigned i = 0; i < upstream->server_count; i++)
        refresh_one(upstream, i, flow, counts);
    if (counts->usable == 0)
        return counts->backups;
    if (counts->backups > 0) {
        for (unsigned i = 0; i < upstream->server_count; i++) {
            if (upstream->views[i].backup)
                upstream->views[i].usable = false;
        }
    }
    return counts->usable;
}

unsigned
upstream_refresh(struct upstream *upstream, const struct flow *flow)
{
    struct view_counts counts;

    return refresh_views(upstream, flow, &counts);
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

static bool
index_is_usable(const struct upstream *upstream, int index)
{
    return index >= 0 && (unsigned)index < upstream->server_count &&
           upstream->views[index].usable;
}

/* Asks the policy, and the built-in one where that fails. */
static int
ask_policy(struct upstream *upstream, struct flow *flow, const char **reason)
{
    int index;

    if (upstream->policy.pick == NULL)
        return upstream_pick_builtin(upstream, flow);
    upstream->picking = flow;
    index = upstream->policy.pick(upstream->policy.arg, flow, reason);
    upstream->picking = NULL;
    if (index == HOOK_PICK_NONE || index_is_usable(upstream, index))
        return index;
    if (index != HOOK_PICK_FAILED)
        upstream->policy.misused(upstream->policy.arg, index);
    return upstream_pick_builtin(upstream, flow);
}

static bool
take_slot(struct server *server, bool fresh)
{
    struct engine *engine = server->upstream->engine;

    /* The slot comes with the kept connection. */
    if (!fresh && server->idle_count > 0)
        return true;
    return slot_take(engine->board, engine->worker,
                     board_server_slot(server->row), server->conf->maxconn);
}

static enum upstream_error
refuse(const struct view_counts *counts, const char **reason)
{
    if (counts->full > 0) {
        *reason = "all servers are at their maxconn";
        return UPSTREAM_FULL;
    }
    *reason = "no server is available";
    return UPSTREAM_DOWN;
}

static enum upstream_error
take_pinned(struct flow *flow, bool fresh, bool *again, const char **reason)
{
    struct server *server = flow->pinned;
    struct server_view *view = &server->upstream->views[server->index];

    *again = flow_has_tried(flow, server->index);
    board_read_view(server->upstream->engine->board, server->row, view);
    if (!view->up || view->maint) {
        *reason = "the server that was asked for is not available";
        return UPSTREAM_DOWN;
    }
    if (!take_slot(server, fresh)) {
        *reason = "the server that was asked for is at its maxconn";
        return UPSTREAM_FULL;
    }
    flow->server = server;
    return UPSTREAM_TAKEN;
}

enum upstream_error
upstream_take(struct flow *flow, bool fresh, bool *again, const char **reason)
{
    struct upstream *upstream = flow->upstream;

    *again = false;
    if (flow->pinned != NULL)
        return take_pinned(flow, fresh, again, reason);
    for (unsigned i = 0; i < TAKE_ATTEMPTS; i++) {
        struct view_counts counts;
        int index;

        if (refresh_views(upstream, flow, &counts) == 0) {
            if (counts.tried == 0)
                return refuse(&counts, reason);
            flow->tried_count = 0;
            *again = true;
            continue;
        }
        index = ask_policy(upstream, flow, reason);
        if (index < 0)
            return UPSTREAM_REFUSED;
        if (!take_slot(&upstream->servers[index], fresh))
            continue;
        flow->server = &upstream->servers[index];
        return UPSTREAM_TAKEN;
    }
    *reason = "all servers are at their maxconn";
    return UPSTREAM_FULL;
}

void
upstream_give_slot(struct server *server)
{
    struct engine *engine = server->upstream->engine;

    slot_give(engine->board, engine->worker, board_server_slot(server->row));
}

bool
upstream_may_keep(const struct server *server)
{
    uint32_t maxconn = server->conf->maxconn;

    return maxconn == 0 || slot_count(server->upstream->engine->board,
                                      board_server_slot(server->row)) < maxconn;
}

void
upstream_give(struct flow *flow, const struct flow_result *result,
              bool keep_slot)
{
    struct server *server = flow->server;
    const struct policy_hooks *policy;

    if (server == NULL)
        return;
    policy = &server->upstream->policy;
    if (policy->done != NULL)
        policy->done(policy->arg, flow, server, result);
    if (!result->ok)
        counter_add(&upstream_counters(server)->errors, 1);
    if (!keep_slot)
        upstream_give_slot(server);
    flow->served = server;
    flow->server = NULL;
}
