/* SPDX-License-Identifier: MIT */
#include "proxy/pool.h"

#include <errno.h>

#include "proxy/engine.h"

static void
free_conn(struct deferred *cleanup)
{
    struct server_conn *conn =
        container_of(cleanup, struct server_conn, cleanup);

    slab_give(conn->slab, conn);
}

static bool
is_kept(const struct server_conn *conn)
{
    return !list_empty(&conn->link);
}

static void
on_timer(struct timer *timer)
{
    struct server_conn *conn = container_of(timer, struct server_conn, timer);

    if (is_kept(conn)) {
        pool_close(conn);
        return;
    }
    stream_probe(&conn->stream);
    conn->probed = true;
}

static void
leave_idle(struct server_conn *conn)
{
    list_remove(&conn->link);
    upstream_count_idle(conn->server, -1);
    timer_stop(&conn->timer);
}

/* Does it go to an address that is no longer the server's? Only who connected
 * before the last change has to ask the kernel. */
static bool
is_gone(struct server_conn *conn)
{
    const struct server *server = conn->server;
    struct addr peer;

    if (conn->addr_version == server->addr_version)
        return false;
    if (addr_of_peer(&peer, conn->stream.fd) < 0)
        return true;
    for (unsigned i = 0; i < server->addr_count; i++) {
        if (!addr_equal(&server->addrs[i], &peer))
            continue;
        conn->addr_version = server->addr_version;
        return false;
    }
    return true;
}

static void
drop_gone(struct server *server)
{
    list_for_each_safe(node, &server->idle)
    {
        struct server_conn *conn = container_of(node, struct server_conn, link);

        if (is_gone(conn))
            pool_close(conn);
    }
}

struct server_conn *
pool_connect(struct server *server, stream_fn on_ready, void *owner)
{
    struct engine *engine = server->upstream->engine;
    struct server_conn *conn;
    const struct addr *addr;

    if (upstream_read_addresses(server))
        drop_gone(server);
    if (server->addr_count == 0) {
        errno = EADDRNOTAVAIL;
        return NULL;
    }
    conn = slab_take(&engine->server_conns, sizeof(*conn));
    if (conn == NULL)
        return NULL;
    addr = &server->addrs[server->addr_next];
    server->addr_next = (server->addr_next + 1) % server->addr_count;
    conn->slab = &engine->server_conns;
    conn->server = server;
    conn->owner = owner;
    conn->addr_version = server->addr_version;
    conn->reused = false;
    conn->probed = false;
    list_init(&conn->link);
    timer_init(&conn->timer, on_timer);
    deferred_init(&conn->cleanup, free_conn);
    if (stream_connect(&conn->stream, engine->loop, addr, on_ready) < 0) {
        slab_give(&engine->server_conns, conn);
        return NULL;
    }
    return conn;
}

void
pool_probe_later(struct server_conn *conn)
{
    if (!conn->probed)
        loop_start_timer(conn->stream.loop, &conn->timer, POOL_PROBE_MS);
}

struct server_conn *
pool_take(struct server *server, stream_fn on_ready, void *owner)
{
    struct list *node = list_first(&server->idle);
    struct server_conn *conn;

    if (node == NULL)
        return NULL;
    conn = container_of(node, struct server_conn, link);
    leave_idle(conn);
    if (upstream_read_addresses(server))
        drop_gone(server);
    if (is_gone(conn)) {
        pool_close(conn);
        return NULL;
    }
    conn->stream.on_ready = on_ready;
    conn->owner = owner;
    conn->reused = true;
    return conn;
}

bool
pool_wants(const struct server *server)
{
    const struct upstream *upstream = server->upstream;

    return !upstream->engine->draining && !upstream->retired &&
           server->idle_count < upstream->conf->keepalive &&
           upstream_may_keep(server);
}

/* Nothing is expected of a kept connection: whatever comes, its end most
 * likely, is the end of it. */
static void
on_idle_ready(struct stream *stream)
{
    if (stream->readable)
        pool_close(server_conn_of(stream));
}

void
pool_keep(struct server_conn *conn)
{
    conn->stream.on_ready = on_idle_ready;
    conn->owner = NULL;
    list_add_head(&conn->server->idle, &conn->link);
    upstream_count_idle(conn->server, 1);
    loop_start_timer(conn->stream.loop, &conn->timer, POOL_IDLE_MS);
    if (is_gone(conn))
        pool_close(conn);
}

void
pool_close(struct server_conn *conn)
{
    if (conn == NULL)
        return;
    if (is_kept(conn)) {
        leave_idle(conn);
        upstream_give_slot(conn->server);
    }
    timer_stop(&conn->timer);
    stream_close(&conn->stream);
    loop_defer(conn->stream.loop, &conn->cleanup);
}

void
pool_drop_gone(struct upstream *upstream)
{
    for (unsigned i = 0; i < upstream->server_count; i++) {
        if (upstream_read_addresses(&upstream->servers[i]))
            drop_gone(&upstream->servers[i]);
    }
}

void
pool_make_room(struct upstream *upstream)
{
    const struct board *board = upstream->engine->board;
    uint32_t wanted = queue_of_upstream(board, upstream->row);

    for (unsigned i = 0; i < upstream->server_count; i++) {
        struct server *server = &upstream->servers[i];
        uint32_t more = wanted + queue_of_server(board, server->row);

        if (server->conf->maxconn == 0)
            continue;
        for (; more > 0 && server->idle_count > 0; more--)
            pool_close(
                container_of(server->idle.prev, struct server_conn, link));
    }
}

void
pool_drop_idle_of(struct server *server)
{
    list_for_each_safe(node, &server->idle)
    {
        pool_close(container_of(node, struct server_conn, link));
    }
}

void
pool_drop_idle(struct upstream *upstream)
{
    for (unsigned i = 0; i < upstream->server_count; i++)
        pool_drop_idle_of(&upstream->servers[i]);
}
