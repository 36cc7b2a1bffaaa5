/* SPDX-License-Identifier: MIT */
#include "proxy/engine.h"

#include <stdlib.h>

#include "base/mem.h"

void
engine_init(struct engine *engine, struct loop *loop, struct board *board,
            struct buffer_pool *buffers, unsigned worker)
{
    *engine = (struct engine){
        .loop = loop,
        .board = board,
        .buffers = buffers,
        .worker = worker,
        .place = worker,
        .scratch = xcalloc(1, ENGINE_SCRATCH),
        .temp_dir = "/tmp",
    };
    list_init(&engine->sessions);
    list_init(&engine->exchanges);
}

void
engine_fini(struct engine *engine)
{
    slab_fini(&engine->arrivals);
    slab_fini(&engine->http_conns);
    slab_fini(&engine->tcp_sessions);
    slab_fini(&engine->server_conns);
    free(engine->waiters);
    engine->waiters = NULL;
    free(engine->scratch);
    engine->scratch = NULL;
}

void
engine_add(struct engine *engine, struct engine_session *session)
{
    list_init(&session->link);
    list_add_tail(&engine->sessions, &session->link);
    engine->session_count++;
}

void
engine_remove(struct engine *engine, struct engine_session *session)
{
    if (list_empty(&session->link))
        return;
    list_remove(&session->link);
    engine->session_count--;
}

void
engine_leave(struct engine *engine)
{
    engine->draining = true;
    engine->leaving = true;
}

/* A session may leave the list when it is told, but no other does: objects
 * are freed at the end of the turn. */
void
engine_drain(struct engine *engine)
{
    engine->draining = true;
    list_for_each_safe(node, &engine->sessions)
    {
        struct engine_session *session =
            container_of(node, struct engine_session, link);

        session->drain(session);
    }
}

void
engine_kill(struct engine *engine, const char *reason)
{
    list_for_each_safe(node, &engine->sessions)
    {
        struct engine_session *session =
            container_of(node, struct engine_session, link);

        session->kill(session, reason);
    }
}
