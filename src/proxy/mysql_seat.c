/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_seat.h"

#include <stdio.h>
#include <string.h>

#include "board/board.h"
#include "board/seats.h"
#include "codec/mysql_attribute.h"
#include "codec/mysql_kill.h"
#include "proxy/engine.h"
#include "proxy/mysql_entry.h"
#include "proxy/mysql_visible.h"
#include "proxy/runtime.h"
#include "proxy/section.h"
#include "proxy/tcp_session.h"
#include "proxy/upstream.h"

enum {
    NO_SUCH_THREAD = 1094, /* ER_NO_SUCH_THREAD */
};

/* Whom a login is from: 0, it does not say which of the client's processes. */
static uint64_t
key_of(const struct tcp_session *s)
{
    const struct mysql_entry *e = mysql_entry_of(s);
    struct str process = mysql_find_attribute(e->login.attributes, STR("_pid"));
    char client[ADDR_TEXT_MAX];

    if (process.len == 0)
        return 0;
    addr_format_host(&s->client_addr, client, sizeof(client));
    return seat_key(s->dial.engine->board, str_from(client), s->flow.user,
                    process);
}

/* --- the seat ------------------------------------------------------------- */

static struct seat_facts
facts_of(const struct tcp_session *s)
{
    const struct mysql_session *m = s->guest;
    struct seat_facts facts = {
        .since_ms = s->accepted_wall_ms,
        .id = m->id,
        .thread_id = m->thread_id,
        .server = s->server->server->row,
        .section = s->section->row,
    };
    char client[ADDR_TEXT_MAX];

    seat_set_names(&facts, s->flow.user, s->flow.schema);
    (void)snprintf(facts.client, sizeof(facts.client), "%s",
                   addr_format(&s->client_addr, client, sizeof(client)));
    return facts;
}

void
mysql_seat_take(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;
    const struct engine *engine = s->dial.engine;
    struct seat_facts facts = facts_of(s);

    m->seat = seat_take(engine->board, engine->worker, &facts, key_of(s));
    m->seat_user = s->flow.user;
    m->seat_schema = s->flow.schema;
}

void
mysql_seat_give(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;
    const struct engine *engine = s->dial.engine;

    if (m == NULL || m->seat == SEAT_NONE)
        return;
    seat_give(engine->board, engine->worker, m->seat);
    m->seat = SEAT_NONE;
}

static enum seat_state
state_of(const struct mysql_visible *v)
{
    if (v->busy)
        return SEAT_BUSY;
    return v->in_transaction ? SEAT_IN_TRANSACTION : SEAT_IDLE;
}

static bool
is_same(struct str a, struct str b)
{
    return a.p == b.p && a.len == b.len;
}

void
mysql_seat_note(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;
    const struct engine *engine = s->dial.engine;
    struct seat_facts facts;

    if (m->seat == SEAT_NONE || s->server == NULL)
        return;
    seat_set_state(engine->board, engine->worker, m->seat,
                   state_of(m->visible));
    if (is_same(m->seat_user, s->flow.user) &&
        is_same(m->seat_schema, s->flow.schema))
        return;
    m->seat_user = s->flow.user;
    m->seat_schema = s->flow.schema;
    facts = facts_of(s);
    seat_change(engine->board, engine->worker, m->seat, &facts);
}

/* --- a second login ------------------------------------------------------- */

static struct server *
find_server(const struct runtime *runtime, int row)
{
    for (size_t i = 0; i < runtime->upstream_count; i++) {
        struct upstream *upstream = &runtime->upstreams[i];

        for (unsigned k = 0; k < upstream->server_count; k++)
            if (upstream->servers[k].row == row)
                return &upstream->servers[k];
    }
    return NULL;
}

static bool
takes_one_more(const struct server *server)
{
    struct server_view view;

    board_read_view(server->upstream->engine->board, server->row, &view);
    return view.up && !view.draining && !view.maint &&
           (view.maxconn == 0 || view.active < view.maxconn);
}

void
mysql_seat_route(struct tcp_session *s)
{
    /* What logs in to end a statement names no schema. */
    bool may_be = s->section->conf->visible && s->flow.schema.len == 0;
    uint64_t key = may_be ? key_of(s) : 0;
    struct seat_facts facts;
    struct server *server;

    if (key == 0 || !seat_find_busy(s->dial.engine->board, key, &facts) ||
        facts.section != s->section->row)
        return;
    server = find_server(s->runtime, facts.server);
    if (server != NULL && takes_one_more(server))
        flow_route(&s->flow, server->upstream, server);
}

/* --- what it ends --------------------------------------------------------- */

/* One server may stand in several upstreams. */
static bool
is_same_server(const struct board *b, int one, int other)
{
    return one == other ||
           strcmp(b->servers[one].address, b->servers[other].address) == 0;
}

/* The server itself says that there is none: in order, and as it would. */
static void
refuse(const struct board *b, const struct mysql_kill *kill, int where,
       int here, size_t text_at, struct buf *to)
{
    char words[MYSQL_SIGNAL_MAX * 2];

    (void)snprintf(words, sizeof(words),
                   "Unknown thread id: %u: that session is on %s, this one on "
                   "%s",
                   kill->id, b->servers[where].name.text,
                   b->servers[here].name.text);
    mysql_write_signal(to, NO_SUCH_THREAD, str_from(words), text_at);
}

bool
mysql_seat_kill(void *arg, const struct mysql_kill *kill, size_t text_at,
                struct buf *to)
{
    const struct tcp_session *s = arg;
    const struct board *b = s->dial.engine->board;
    struct seat_facts facts;
    int here;

    if (s->server == NULL || !seat_find_id(b, kill->id, &facts))
        return false;
    here = s->server->server->row;
    if (is_same_server(b, facts.server, here))
        mysql_write_kill(to, kill, facts.thread_id);
    else
        refuse(b, kill, facts.server, here, text_at, to);
    return true;
}
