/* SPDX-License-Identifier: MIT */
#include "proxy/transition.h"

#include "board/board.h"
#include "board/state.h"
#include "proxy/engine.h"
#include "proxy/pool.h"
#include "proxy/rebalance.h"
#include "proxy/runtime.h"
#include "proxy/upstream.h"
#include "proxy/wait_queue.h"

/* Sessions on a server in maintenance end; on one that is down, as configured.
 * Whatever becomes of one flow, be it that the same server is given to it
 * again, each is told once. */
static void
tell_flows(struct server *server, bool maint, const char *why)
{
    struct list untold;
    struct list *node;
    bool shutdown =
        server->upstream->conf->on_marked_down == ON_MARKED_DOWN_SHUTDOWN;
    enum flow_gone how = shutdown ? FLOW_GONE_END : FLOW_GONE_KEEP;

    if (maint)
        how = FLOW_GONE_MAINT;
    list_move_all(&untold, &server->flows);
    while ((node = list_take_first(&untold)) != NULL) {
        struct flow *flow = container_of(node, struct flow, link);

        list_add_tail(&server->flows, node);
        flow->on_gone(flow, how, why);
    }
}

static void
tell_policy(struct server *server, bool up, const char *why)
{
    const struct policy_hooks *policy = server->upstream->policy;

    if (policy->state != NULL)
        policy->state(policy->arg, server, up, why);
}

/* Whether its state is another than when this worker last looked. */
static bool
look_at_server(struct server *server)
{
    struct upstream *upstream = server->upstream;
    const struct server_view *view = &upstream->views[server->index];
    char why[BOARD_WORDS_MAX + 1];
    bool was_up = server->was_up;
    bool was_maint = server->was_maint;
    bool up = view->up;
    bool maint = view->maint;

    if (up == was_up && maint == was_maint)
        return false;
    server->was_up = up;
    server->was_maint = maint;
    board_reason(upstream->engine->board, server->row, why);
    if (up != was_up)
        tell_policy(server, up, why);
    if ((up || !was_up) && (!maint || was_maint))
        return true;
    pool_drop_idle_of(server);
    tell_flows(server, maint, maint ? "the server is in maintenance" : why);
    wait_queue_shake(&upstream->queue, server->row);
    return true;
}

static bool
has_any_in_service(const struct upstream *upstream)
{
    for (unsigned i = 0; i < upstream->server_count; i++) {
        if (roster_is_in_service(&upstream->roster, i))
            return true;
    }
    return false;
}

/* Whether who is in service has changed since this worker last looked. */
static bool
look_at_service(struct upstream *upstream)
{
    bool changed = false;

    for (unsigned i = 0; i < upstream->server_count; i++) {
        struct server *server = &upstream->servers[i];
        bool serves = roster_is_in_service(&upstream->roster, i);

        changed = changed || serves != server->was_serving;
        if (serves && !server->was_serving)
            rebalance_begin(upstream->rebalance, server);
        server->was_serving = serves;
    }
    return changed;
}

static void
look_at_upstream(struct upstream *upstream)
{
    upstream_refresh(upstream);
    pool_drop_gone(upstream);
    for (unsigned i = 0; i < upstream->server_count; i++)
        (void)look_at_server(&upstream->servers[i]);
    /* It may have them wait for another server now. */
    if (look_at_service(upstream) && upstream->policy->waits)
        wait_queue_shake(&upstream->queue, BOARD_NONE);
    if (!upstream->conf->hold && !has_any_in_service(upstream))
        wait_queue_shake(&upstream->queue, BOARD_NONE);
    wait_queue_settle(&upstream->queue);
}

uint64_t
transition_begin(const struct engine *engine)
{
    return atomic_load(&engine->board->header->states);
}

void
transition_look(struct runtime *runtime, uint64_t states)
{
    const struct engine *engine = runtime->engine;

    for (size_t i = 0; i < runtime->upstream_count; i++) {
        struct upstream *upstream = &runtime->upstreams[i];

        if (states != engine->states)
            look_at_upstream(upstream);
        if (upstream->conf->keepalive > 0)
            pool_make_room(upstream);
    }
}

void
transition_end(struct engine *engine, uint64_t states)
{
    engine->states = states;
    wait_queue_run(engine);
}

void
transition_init(struct runtime *runtime)
{
    struct engine *engine = runtime->engine;

    engine->states = transition_begin(engine);
    for (size_t i = 0; i < runtime->upstream_count; i++) {
        struct upstream *upstream = &runtime->upstreams[i];

        upstream_refresh(upstream);
        for (unsigned k = 0; k < upstream->server_count; k++) {
            upstream->servers[k].was_up = upstream->views[k].up;
            upstream->servers[k].was_maint = upstream->views[k].maint;
            upstream->servers[k].was_serving =
                roster_is_in_service(&upstream->roster, k);
        }
        rebalance_resume(upstream->rebalance);
    }
}
