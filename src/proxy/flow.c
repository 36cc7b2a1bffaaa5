/* SPDX-License-Identifier: MIT */
#include "proxy/flow.h"

#include <string.h>

#include "proxy/hook.h"

struct server *
flow_last_server(const struct flow *flow)
{
    return flow->server != NULL ? flow->server : flow->served;
}

bool
flow_has_tried(const struct flow *flow, unsigned index)
{
    for (unsigned i = 0; i < flow->tried_count; i++) {
        if (flow->tried[i] == index)
            return true;
    }
    return false;
}

void
flow_add_tried(struct flow *flow, unsigned index)
{
    if (flow_has_tried(flow, index))
        return;
    if (flow->tried_count == FLOW_TRIES_MAX) {
        memmove(flow->tried, flow->tried + 1,
                sizeof(flow->tried) - sizeof(flow->tried[0]));
        flow->tried_count--;
    }
    flow->tried[flow->tried_count++] = (uint16_t)index;
}

static void
drop_policy(struct flow *flow)
{
    if (flow->policy != NULL)
        policy_hooks_release(flow->policy);
    flow->policy = NULL;
}

void
flow_route(struct flow *flow, struct upstream *upstream, struct server *server)
{
    if (upstream != flow->upstream)
        drop_policy(flow);
    flow->upstream = upstream;
    flow->pinned = server;
}

void
flow_reroute(struct flow *flow)
{
    drop_policy(flow);
    flow->upstream = NULL;
    flow->pinned = NULL;
    flow->has_turn = false;
    flow->tried_count = 0;
}
