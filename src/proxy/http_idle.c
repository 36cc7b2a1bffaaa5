/* SPDX-License-Identifier: MIT */
/*
 * Connections with the same limit wait in one lane, in the order in which they
 * were folded, with one timer for all; so one may be closed as late as
 * HTTP_IDLE_FOLD_MS after its limit.
 */
#include "proxy/http_idle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/lot.h"
#include "proxy/engine.h"
#include "proxy/listener.h"
#include "proxy/runtime.h"

/* An address of the kinds that clients have: of a Unix socket's there is no
 * more than the family. */
struct client {
    socklen_t len;
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
};

struct folded {
    struct list link; /* in its lane, the one that waits longest first */
    struct listener *listener;
    struct runtime *runtime;
    struct addr *here;
    uint64_t begun_us;
    uint32_t requests; /* or so many, if they are more */
    int fd;
    struct client client;
};

struct lane {
    struct http_idles *idles;
    struct list waiting;
    struct timer timer; /* of the first */
    uint32_t limit_ms;
};

struct http_idles {
    struct engine_session session; /* all of them together, in the engine */
    struct engine *engine;
    struct lot lot;
    http_idle_fn resume;
    size_t count;
    struct lane lanes[HTTP_IDLE_LIMITS_MAX];
    unsigned lane_count;
    struct slab slab; /* memory of the folded */
};

/* --- taking out ----------------------------------------------------------- */

static void
unfold(struct http_idle *out, const struct folded *f)
{
    *out = (struct http_idle){
        .listener = f->listener,
        .runtime = f->runtime,
        .fd = f->fd,
        .here = f->here,
        .requests = f->requests,
        .begun_us = f->begun_us,
    };
    addr_from_sockaddr(&out->client, &f->client.sa, f->client.len);
}

/* Its memory goes; what it stood for is the caller's. */
static void
take_out(struct http_idles *idles, struct folded *f)
{
    lot_remove(&idles->lot, f->fd);
    list_remove(&f->link);
    slab_give(&idles->slab, f);
    if (--idles->count == 0)
        engine_remove(idles->engine, &idles->session);
}

static void
close_folded(struct http_idles *idles, struct folded *f, const char *reason)
{
    struct http_idle idle;

    unfold(&idle, f);
    take_out(idles, f);
    log_debug("connection closed: %s requests=%llu", reason,
              (unsigned long long)idle.requests);
    close(idle.fd);
    free(idle.here);
    listener_dismiss(idle.listener);
    runtime_unref(idle.runtime);
}

/* Most often it is the client's end that comes: that takes no connection. */
static void
on_ready(struct lot *lot, void *member)
{
    struct http_idles *idles = container_of(lot, struct http_idles, lot);
    struct folded *f = member;
    struct http_idle idle;
    char byte;

    if (recv(f->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        close_folded(idles, f, "the client has closed");
        return;
    }
    unfold(&idle, f);
    take_out(idles, f);
    idles->resume(&idle);
}

static void
close_lane(struct lane *lane, const char *reason)
{
    timer_stop(&lane->timer);
    list_for_each_safe(node, &lane->waiting)
    {
        close_folded(lane->idles, container_of(node, struct folded, link),
                     reason);
    }
}

static void
close_all(struct http_idles *idles, const char *reason)
{
    for (unsigned i = 0; i < idles->lane_count; i++)
        close_lane(&idles->lanes[i], reason);
}

static void
on_drain(struct engine_session *session)
{
    close_all(container_of(session, struct http_idles, session),
              "the worker is draining");
}

static void
on_kill(struct engine_session *session, const char *reason)
{
    close_all(container_of(session, struct http_idles, session), reason);
}

/* --- time ----------------------------------------------------------------- */

static uint64_t
due_ms_of(const struct lane *lane, const struct list *node)
{
    const struct folded *f =
        container_of((struct list *)(uintptr_t)node, struct folded, link);

    return f->begun_us / 1000 + lane->limit_ms;
}

/* Lets the timer fire when the first is due. */
static void
watch_first(struct lane *lane)
{
    struct list *node = list_first(&lane->waiting);
    uint64_t now_ms = clock_ms();
    uint64_t due_ms;

    if (node == NULL)
        return;
    due_ms = due_ms_of(lane, node);
    loop_start_timer(lane->idles->engine->loop, &lane->timer,
                     due_ms > now_ms ? due_ms - now_ms : 0);
}

static void
on_due(struct timer *timer)
{
    struct lane *lane = container_of(timer, struct lane, timer);

    list_for_each_safe(node, &lane->waiting)
    {
        if (due_ms_of(lane, node) > clock_ms())
            break;
        close_folded(lane->idles, container_of(node, struct folded, link),
                     "idle for too long");
    }
    watch_first(lane);
}

/* --- putting in ----------------------------------------------------------- */

static struct http_idles *
idles_new(struct engine *engine, http_idle_fn resume)
{
    struct http_idles *idles = calloc(1, sizeof(*idles));

    if (idles == NULL)
        return NULL;
    if (lot_open(&idles->lot, engine->loop, on_ready) < 0) {
        free(idles);
        return NULL;
    }
    idles->engine = engine;
    idles->resume = resume;
    idles->session.drain = on_drain;
    idles->session.kill = on_kill;
    return idles;
}

static struct lane *
new_lane(struct http_idles *idles)
{
    struct lane *lane;

    if (idles->lane_count == HTTP_IDLE_LIMITS_MAX)
        return NULL;
    lane = &idles->lanes[idles->lane_count++];
    lane->idles = idles;
    list_init(&lane->waiting);
    timer_init(&lane->timer, on_due);
    return lane;
}

/* The lane with this limit, or an empty one, which gets it. */
static struct lane *
find_lane(struct http_idles *idles, uint32_t limit_ms)
{
    struct lane *empty = NULL;

    for (unsigned i = 0; i < idles->lane_count; i++) {
        struct lane *lane = &idles->lanes[i];

        if (lane->limit_ms == limit_ms)
            return lane;
        if (list_empty(&lane->waiting))
            empty = lane;
    }
    if (empty == NULL)
        empty = new_lane(idles);
    if (empty != NULL)
        empty->limit_ms = limit_ms;
    return empty;
}

static struct folded *
folded_new(struct slab *slab, const struct http_idle *conn)
{
    struct folded *f = slab_take(slab, sizeof(*f));
    const struct addr *client = &conn->client;

    if (f == NULL)
        return NULL;
    f->listener = conn->listener;
    f->runtime = conn->runtime;
    f->here = conn->here;
    f->requests =
        conn->requests < UINT32_MAX ? (uint32_t)conn->requests : UINT32_MAX;
    f->begun_us = conn->begun_us;
    f->fd = conn->fd;
    f->client.len =
        client->sa.sa_family == AF_UNIX ? sizeof(sa_family_t) : client->len;
    memcpy(&f->client.in6, &client->in6, sizeof(f->client.in6));
    return f;
}

int
http_idle_fold(struct engine *engine, const struct http_idle *conn,
               uint32_t limit_ms, http_idle_fn resume)
{
    struct http_idles *idles = engine->idles;
    struct lane *lane;
    struct folded *f;

    if (idles == NULL)
        idles = engine->idles = idles_new(engine, resume);
    if (idles == NULL)
        return -1;
    lane = find_lane(idles, limit_ms);
    f = lane == NULL ? NULL : folded_new(&idles->slab, conn);
    if (f == NULL)
        return -1;
    if (lot_add(&idles->lot, f->fd, f) < 0) {
        slab_give(&idles->slab, f);
        return -1;
    }
    list_add_tail(&lane->waiting, &f->link);
    if (!timer_is_running(&lane->timer))
        watch_first(lane);
    if (idles->count++ == 0)
        engine_add(engine, &idles->session);
    return 0;
}

const struct slab *
http_idle_slab(const struct engine *engine)
{
    return engine->idles == NULL ? NULL : &engine->idles->slab;
}

void
http_idle_free(struct engine *engine)
{
    struct http_idles *idles = engine->idles;

    if (idles == NULL)
        return;
    for (unsigned i = 0; i < idles->lane_count; i++)
        timer_stop(&idles->lanes[i].timer);
    lot_close(&idles->lot);
    slab_fini(&idles->slab);
    free(idles);
    engine->idles = NULL;
}
