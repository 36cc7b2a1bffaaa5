/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_retire.h"

#include "net/stream.h"
#include "proxy/mysql_entry.h"
#include "proxy/mysql_visible.h"
#include "proxy/tcp.h"
#include "proxy/tcp_session.h"

static const uint8_t QUIT[] = {1, 0, 0, 0, 0x01};

static bool
is_empty(const struct tcp_pipe *pipe)
{
    return pipe->buffer == NULL && pipe->conduit == NULL && pipe->held == 0 &&
           !pipe->from_ended;
}

static uint64_t
idle_since_ms(const struct flow *flow)
{
    const struct tcp_session *s = container_of(flow, struct tcp_session, flow);
    const struct mysql_session *m = s->guest;

    if (s->reason != NULL || s->logging_in || s->server == NULL ||
        s->visible == NULL || !mysql_visible_is_loose(s->visible) ||
        m->commands.packet.len > 0)
        return 0;
    return is_empty(&s->up) && is_empty(&s->down) ? s->active_ms : 0;
}

/* A command that has come, and was not read in this turn yet, goes first. */
static bool
retire(struct flow *flow, const char *why)
{
    struct tcp_session *s = container_of(flow, struct tcp_session, flow);

    if (idle_since_ms(flow) == 0 || !stream_is_silent(&s->client) ||
        !stream_is_silent(&s->server->stream))
        return false;
    (void)stream_write(&s->server->stream, QUIT, sizeof(QUIT));
    tcp_close(s, "UD", why);
    return true;
}

const struct flow_retire mysql_retire = {
    .idle_since_ms = idle_since_ms,
    .retire = retire,
};
