/* SPDX-License-Identifier: MIT */
#include "script/links.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "script/coroutine.h"

/* The one that was given back last stands last: it is the likeliest to be there
 * still, and the first one goes where there are too many. */
struct links {
    struct list idle;
    unsigned count;
};

/* --- life ----------------------------------------------------------------- */

static void
leave_idle(struct link *link)
{
    timer_stop(&link->timer);
    list_remove(&link->node);
    link->links->count--;
}

void
link_free(struct link *link)
{
    if (link == NULL)
        return;
    outbound_close(&link->out);
    tls_client_unref(link->client);
    free(link);
}

static void
on_gone(struct deferred *deferred)
{
    struct link *link = container_of(deferred, struct link, gone);

    leave_idle(link);
    link_free(link);
}

static void
on_timer(struct timer *timer)
{
    struct link *link = container_of(timer, struct link, timer);

    loop_defer(link->out.loop, &link->gone);
}

/* Has nothing come that nobody asked for, not even the end? TLS may have news
 * of its own. */
static bool
is_quiet(struct link *link)
{
    struct stream *stream = outbound_stream(&link->out);
    char byte;

    if (!stream->readable)
        return true;
    return stream_read(stream, &byte, 1) < 0 && errno == EAGAIN;
}

/* An idle one that has something to say is of no use any more. */
static void
on_ready(struct outbound *out)
{
    struct link *link = container_of(out, struct link, out);

    if (link->on_ready != NULL)
        link->on_ready(link);
    else if (!is_quiet(link))
        loop_defer(out->loop, &link->gone);
}

/* --- those that are kept -------------------------------------------------- */

static struct links *
links_of(struct coroutines *all)
{
    if (all->links == NULL) {
        all->links = calloc(1, sizeof(*all->links));
        if (all->links != NULL)
            list_init(&all->links->idle);
    }
    return all->links;
}

static bool
is_to(const struct link *link, const struct link_server *server)
{
    return link->port == server->port && link->client == server->client &&
           strcmp(link->host, server->host) == 0;
}

/* May it be used? What the server has said meanwhile, and no edge has told of
 * yet, would be taken for the answer. */
static bool
is_alive(struct link *link)
{
    if (!list_empty(&link->gone.link))
        return false;
    outbound_stream(&link->out)->readable = true;
    if (is_quiet(link))
        return true;
    loop_defer(link->out.loop, &link->gone);
    return false;
}

struct link *
links_take(struct coroutines *all, const struct link_server *server, link_fn fn,
           void *owner)
{
    struct links *links = links_of(all);

    if (links == NULL)
        return NULL;
    for (struct list *node = links->idle.prev; node != &links->idle;
         node = node->prev) {
        struct link *link = container_of(node, struct link, node);

        if (!is_to(link, server) || !is_alive(link))
            continue;
        leave_idle(link);
        link->on_ready = fn;
        link->owner = owner;
        return link;
    }
    return NULL;
}

/* Frees the oldest where there is one too many: to the server of ADDED, or at
 * all. */
static void
make_room(struct links *links, const struct link *added)
{
    const struct link_server server = {
        .host = added->host,
        .port = added->port,
        .client = added->client,
    };
    struct link *oldest = NULL;
    unsigned same = 0;

    list_for_each(node, &links->idle)
    {
        struct link *link = container_of(node, struct link, node);

        if (!is_to(link, &server))
            continue;
        if (same++ == 0)
            oldest = link;
    }
    if (same <= LINKS_SERVER_MAX) {
        if (links->count <= LINKS_MAX)
            return;
        oldest = container_of(list_first(&links->idle), struct link, node);
    }
    deferred_cancel(&oldest->gone);
    leave_idle(oldest);
    link_free(oldest);
}

void
links_keep(struct link *link, uint64_t idle_ms)
{
    struct links *links = link->links;

    assert(idle_ms <= LINKS_IDLE_MS);
    if (idle_ms == 0 || !is_quiet(link)) {
        link_free(link);
        return;
    }
    link->on_ready = NULL;
    link->owner = NULL;
    list_add_tail(&links->idle, &link->node);
    links->count++;
    loop_start_timer(link->out.loop, &link->timer, idle_ms);
    make_room(links, link);
}

/* --- new ones ------------------------------------------------------------- */

struct link *
link_new(struct coroutines *all, const struct link_server *server, link_fn fn,
         void *owner)
{
    struct links *links = links_of(all);
    size_t len = strlen(server->host);
    struct link *link;

    if (links == NULL || len > TLS_NAME_MAX)
        return NULL;
    link = calloc(1, sizeof(*link));
    if (link == NULL)
        return NULL;
    link->links = links;
    link->on_ready = fn;
    link->owner = owner;
    link->port = server->port;
    memcpy(link->host, server->host, len + 1);
    if (server->client != NULL)
        link->client = tls_client_ref(server->client);
    list_init(&link->node);
    timer_init(&link->timer, on_timer);
    deferred_init(&link->gone, on_gone);
    outbound_init(&link->out, on_ready);
    return link;
}

int
link_start(struct link *link, struct coroutines *all, struct loop *loop)
{
    const struct outbound_conf conf = {
        .loop = loop,
        .resolver = all->resolver,
        .host = link->host,
        .port = link->port,
        .client = link->client,
    };

    return outbound_start(&link->out, &conf);
}

void
links_free(struct links *links)
{
    struct list *node;

    if (links == NULL)
        return;
    while ((node = list_first(&links->idle)) != NULL) {
        struct link *link = container_of(node, struct link, node);

        deferred_cancel(&link->gone);
        leave_idle(link);
        link_free(link);
    }
    free(links);
}
