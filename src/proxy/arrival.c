/* SPDX-License-Identifier: MIT */
/*
 * The header is looked at in the socket, and taken out of it alone when it is
 * whole. What the client says behind it, most often in the same segment, stays
 * there for the section, which reads its first bytes as on any connection.
 * Nearly always the header is there with the connection: then the socket is not
 * registered here at all.
 */
#include "proxy/arrival.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "board/counters.h"
#include "codec/proxyproto.h"
#include "net/stream.h"
#include "proxy/capture.h"
#include "proxy/engine.h"
#include "proxy/listener.h"
#include "proxy/runtime.h"
#include "proxy/section.h"

_Static_assert((int)PROXYPROTO_READ_MAX <= (int)ENGINE_SCRATCH,
               "a header must fit into what is looked at");

struct arrival {
    struct engine_session session;
    struct listener *listener;
    struct runtime *runtime; /* a reference */
    struct stream stream;
    struct addr peer;
    bool full; /* the section had no room when it came */
    struct timer timer;
    struct deferred cleanup;
};

/* What has come: a header, or why there will be none. */
struct look {
    struct proxyproto header;
    size_t len;         /* of the header; 0: there is none */
    size_t seen;        /* bytes of whatever came, in the scratch */
    const char *flags;  /* HAProxy's, when the client is to be refused */
    const char *reason; /* in words; NULL: it left without a word */
    bool full;          /* the section has no room for it */
};

/* --- a header, or not ----------------------------------------------------- */

/* False: there is not enough to say. ENDED: no more will come. */
static bool
look_at(struct look *out, const struct listener *listener, int fd, bool ended)
{
    struct look look = {.flags = "PR"};
    uint8_t *p = listener->engine->scratch;
    ssize_t taken;
    ssize_t n;

    do
        n = recv(fd, p, PROXYPROTO_READ_MAX, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n > 0) {
        look.seen = (size_t)n;
        taken = proxyproto_read(&look.header, p, (size_t)n);
        if (taken == 0 && !ended)
            return false;
        if (taken > 0) {
            look.len = (size_t)taken;
        } else if (taken == 0) {
            look.flags = "CR";
            look.reason = "it ended within its PROXY header";
        } else {
            look.reason = proxyproto_error_text((enum proxyproto_error)taken);
        }
    }
    *out = look;
    return true;
}

/* Ends a connection that no section is to hear of. */
static void
turn_away(struct listener *listener, int fd)
{
    close(fd);
    listener_dismiss(listener);
}

/* The section counts and records it, and closes it. */
static void
refuse(struct listener *listener, int fd, const struct addr *peer,
       const char *flags, const char *reason)
{
    const struct section_client client = {
        .fd = fd,
        .addr = peer,
        .flags = flags,
        .reason = reason,
    };
    char text[ADDR_TEXT_MAX];

    log_info("connection refused: %s client=%s section=" STR_FMT, reason,
             addr_format(peer, text, sizeof(text)),
             STR_ARG(listener->fallback->conf->name));
    listener->fallback->on_client(listener, &client);
}

static ssize_t
read_header(const uint8_t *p, size_t n)
{
    struct proxyproto header;

    return proxyproto_read(&header, p, n);
}

/* For `show errors`. What is behind the header would be the client's. */
static void
note_header(const struct listener *listener, const struct addr *peer,
            const struct look *look)
{
    const uint8_t *p = listener->engine->scratch;
    size_t n =
        look->seen < PROXYPROTO_LINE_MAX ? look->seen : PROXYPROTO_LINE_MAX;
    bool cut = strcmp(look->flags, "CR") == 0;

    capture_note(listener->engine,
                 &(struct capture_facts){
                     .kind = CAPTURE_PROXY,
                     .section = listener->fallback->conf,
                     .client = peer,
                     .why = look->reason,
                     .p = p,
                     .n = n,
                     .fault = cut ? CAPTURE_NOWHERE
                                  : capture_fault(read_header, p, look->seen),
                 });
}

/* Who looks whether the port is open, as simple health checks do, says nothing
 * and leaves: that is no error. */
static void
leave(struct listener *listener, int fd)
{
    log_debug("connection closed: the client left without a PROXY header");
    counter_add(&runtime_section_counters(listener->fallback)->connections, 1);
    turn_away(listener, fd);
}

/* Takes the header, which lies whole in the socket, out of it. */
static bool
take_header(const struct listener *listener, int fd, size_t len)
{
    ssize_t n;

    do
        n = recv(fd, listener->engine->scratch, len, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

static void
let_in(struct listener *listener, int fd, const struct addr *peer,
       const struct look *look)
{
    const struct proxyproto *header = &look->header;
    struct section_client client = {.fd = fd, .addr = peer};

    if (!take_header(listener, fd, look->len)) {
        leave(listener, fd);
        return;
    }
    if (header->has_ends) {
        client.addr = &header->from;
        client.here = malloc(sizeof(*client.here));
        if (client.here == NULL) {
            log_error("cannot take a connection: %s", strerror(errno));
            turn_away(listener, fd);
            return;
        }
        *client.here = header->to;
    }
    if (look->full)
        section_client_full(&client);
    listener->fallback->on_client(listener, &client);
}

static void
settle(struct listener *listener, int fd, const struct addr *peer,
       const struct look *look)
{
    if (look->len > 0) {
        let_in(listener, fd, peer, look);
    } else if (look->reason != NULL) {
        note_header(listener, peer, look);
        refuse(listener, fd, peer, look->flags, look->reason);
    } else {
        leave(listener, fd);
    }
}

/* --- waiting for one ------------------------------------------------------ */

static void
free_arrival(struct deferred *cleanup)
{
    struct arrival *a = container_of(cleanup, struct arrival, cleanup);
    struct engine *engine = a->listener->engine;

    runtime_unref(a->runtime);
    slab_give(&engine->arrivals, a);
}

/* The one way out; the socket is the caller's. */
static int
end_waiting(struct arrival *a)
{
    struct engine *engine = a->listener->engine;

    timer_stop(&a->timer);
    engine_remove(engine, &a->session);
    loop_defer(engine->loop, &a->cleanup);
    return stream_release(&a->stream);
}

static void
on_ready(struct stream *stream)
{
    struct arrival *a = container_of(stream, struct arrival, stream);
    struct look look;

    /* After a reset, what came before it can still be read, and no more is
     * said than that the socket is readable. */
    if (!look_at(&look, a->listener, stream->fd, stream->hung_up) &&
        (!stream_is_deserted(stream) ||
         !look_at(&look, a->listener, stream->fd, true)))
        return;
    look.full = a->full;
    settle(a->listener, end_waiting(a), &a->peer, &look);
}

static void
on_timeout(struct timer *timer)
{
    struct arrival *a = container_of(timer, struct arrival, timer);

    refuse(a->listener, end_waiting(a), &a->peer, "cR",
           "its PROXY header did not come in time");
}

/* It was accepted and is to be served: header_timeout is how long that can
 * last. */
static void
on_drain(struct engine_session *session)
{
    (void)session;
}

static void
on_kill(struct engine_session *session, const char *reason)
{
    struct arrival *a = container_of(session, struct arrival, session);

    log_debug("connection closed: %s", reason);
    turn_away(a->listener, end_waiting(a));
}

static void
wait_for_header(struct listener *listener, int fd, const struct addr *peer)
{
    struct engine *engine = listener->engine;
    struct arrival *a = slab_take(&engine->arrivals, sizeof(*a));

    if (a == NULL)
        goto fail;
    memset(a, 0, sizeof(*a));
    if (stream_open(&a->stream, engine->loop, fd, on_ready) < 0)
        goto fail;
    a->listener = listener;
    a->runtime = runtime_ref(listener->runtime);
    a->peer = *peer;
    a->full = listener->full;
    a->session.drain = on_drain;
    a->session.kill = on_kill;
    deferred_init(&a->cleanup, free_arrival);
    timer_init(&a->timer, on_timeout);
    loop_start_timer(engine->loop, &a->timer,
                     listener->fallback->conf->limits.header_timeout_ms);
    engine_add(engine, &a->session);
    return;

fail:
    log_error("cannot take a connection: %s", strerror(errno));
    slab_give(&engine->arrivals, a);
    turn_away(listener, fd);
}

void
arrival_accept(struct listener *listener, int fd, const struct addr *peer)
{
    const struct section_conf *conf = listener->fallback->conf;
    struct look look;

    if (!cidr_any_contains(conf->trust, conf->trust_count, peer))
        refuse(listener, fd, peer, "PR", "its address is not in trust");
    else if (!look_at(&look, listener, fd, false))
        wait_for_header(listener, fd, peer);
    else {
        look.full = listener->full;
        settle(listener, fd, peer, &look);
    }
}
