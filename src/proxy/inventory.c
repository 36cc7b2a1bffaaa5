/* SPDX-License-Identifier: MIT */
#include "proxy/inventory.h"

#include "base/slab.h"
#include "board/pools.h"
#include "net/buffer.h"
#include "net/conduit.h"
#include "proxy/engine.h"
#include "proxy/http_exchange.h"
#include "proxy/http_idle.h"
#include "proxy/runtime.h"
#include "proxy/upstream.h"

static void
publish_slab(const struct engine *e, enum pool_kind kind,
             const struct slab *slab)
{
    if (slab != NULL)
        pools_set(e->board, e->worker, kind, slab->used, slab_spare(slab),
                  (uint32_t)slab->size);
}

static void
publish_memory(const struct engine *e)
{
    const struct buffer_pool *buffers = e->buffers;
    const struct conduit_pool *pipes = e->conduits;

    pools_set(e->board, e->worker, POOL_buffers, buffers->lent_count,
              buffers->free_count, sizeof(struct buffer));
    if (pipes != NULL)
        pools_set(e->board, e->worker, POOL_pipes,
                  pipes->count - pipes->free_count, pipes->free_count,
                  sizeof(struct conduit));
    pools_set(e->board, e->worker, POOL_exchanges, e->exchanges_used,
              e->exchange_count, sizeof(struct http_exchange));
    publish_slab(e, POOL_arrivals, &e->arrivals);
    publish_slab(e, POOL_http_connections, &e->http_conns);
    publish_slab(e, POOL_http_idle, http_idle_slab(e));
    publish_slab(e, POOL_sessions, &e->tcp_sessions);
    publish_slab(e, POOL_server_connections, &e->server_conns);
}

static void
publish_kept(const struct runtime *runtime)
{
    const struct engine *e = runtime->engine;

    for (size_t i = 0; i < runtime->upstream_count; i++) {
        const struct upstream *upstream = &runtime->upstreams[i];
        unsigned kept = 0;

        for (unsigned k = 0; k < upstream->server_count; k++)
            kept += upstream->servers[k].idle_count;
        pools_set_kept(e->board, e->worker, upstream->row, kept);
    }
}

void
inventory_publish(const struct runtime *runtime)
{
    publish_memory(runtime->engine);
    publish_kept(runtime);
}
