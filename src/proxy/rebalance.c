/* SPDX-License-Identifier: MIT */
#include "proxy/rebalance.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/board.h"
#include "board/rebalance.h"
#include "board/slots.h"
#include "proxy/engine.h"
#include "proxy/upstream.h"

enum {
    LOOK_MAX = 512, /* sessions of a server that are looked at in a turn:
                       the idlest of them goes, not of all, so that a
                       hundred thousand cost no more */
    KEPT_MAX = 192, /* of them; the pace allows no more in two ticks */
    LOOK_MS = 100,  /* until the next look where nobody can go now */
    SECOND_US = 1000000,
};

static const char RETIRED[] = "retired, since another server came back";

/* Of the rebalancing for one server. */
struct hunger {
    uint64_t since_ms; /* when somebody went, or nobody had to; 0: not known */
    uint32_t retired;  /* at the last look */
};

struct rebalance {
    struct upstream *upstream;
    struct timer timer;
    struct hunger *hungers; /* by server */
};

/* Who may go: the idlest first. */
struct candidates {
    unsigned count;
    struct candidate {
        struct flow *flow;
        uint64_t since_ms;
    } items[KEPT_MAX];
};

/* What the servers in service have together. */
struct whole {
    uint64_t sessions; /* now */
    uint64_t expected; /* those who were retired will be back */
    uint64_t weight;
};

/* --- shares --------------------------------------------------------------- */

static uint32_t
sessions_of(const struct server *server)
{
    return slot_count(server->upstream->engine->board,
                      board_server_slot(server->row));
}

/* Backups that do not stand in have no share, but what they had goes back. */
static uint64_t
weight_of(const struct server *server)
{
    const struct upstream *upstream = server->upstream;
    const struct server_view *view = &upstream->views[server->index];

    if (view->backup && !upstream->roster.on_backups)
        return 0;
    return (uint64_t)view->weight;
}

/* BEFORE: how many sessions there were when it began. */
static struct whole
whole_of(const struct upstream *upstream, uint32_t before)
{
    struct whole whole = {.sessions = 0};

    for (unsigned i = 0; i < upstream->server_count; i++) {
        const struct server *server = &upstream->servers[i];

        if (!roster_is_in_service(&upstream->roster, i))
            continue;
        whole.sessions += sessions_of(server);
        whole.weight += weight_of(server);
    }
    whole.expected = whole.sessions > before ? whole.sessions : before;
    return whole;
}

/* What SERVER should have of so many, and has room for. */
static uint64_t
share_of(const struct server *server, const struct whole *whole,
         uint64_t sessions)
{
    uint64_t maxconn = server->conf->maxconn;
    uint64_t share = 0;

    if (whole->weight > 0)
        share = sessions * weight_of(server) / whole->weight;
    return maxconn > 0 && share > maxconn ? maxconn : share;
}

static bool
has_share(const struct server *server, const struct whole *whole)
{
    return sessions_of(server) >= share_of(server, whole, whole->sessions);
}

/* Whether SERVER gets too few even if all who are on their way go there. */
static bool
lacks_some(const struct server *server, const struct whole *whole)
{
    uint64_t on_their_way = whole->expected - whole->sessions;

    return sessions_of(server) + on_their_way <
           share_of(server, whole, whole->expected);
}

static bool
has_too_many(const struct server *server, const struct whole *whole)
{
    return sessions_of(server) > share_of(server, whole, whole->expected);
}

/* --- candidates ----------------------------------------------------------- */

static void
keep(struct candidates *c, struct flow *flow, uint64_t since_ms)
{
    unsigned at = c->count;

    if (at == KEPT_MAX && c->items[--at].since_ms <= since_ms)
        return;
    for (; at > 0 && c->items[at - 1].since_ms > since_ms; at--)
        c->items[at] = c->items[at - 1];
    c->items[at] = (struct candidate){flow, since_ms};
    if (c->count < KEPT_MAX)
        c->count++;
}

/* A script that names a server would name it again. */
static void
consider(struct candidates *c, struct flow *flow)
{
    uint64_t since_ms;

    if (flow->retire == NULL || flow->pinned != NULL)
        return;
    since_ms = flow->retire->idle_since_ms(flow);
    if (since_ms > 0 && since_ms + REBALANCE_IDLE_MS <= clock_ms())
        keep(c, flow, since_ms);
}

/* Those that were looked at go behind the others, whose turn is next. */
static void
look_at(struct candidates *c, struct server *server)
{
    struct list *last = server->flows.prev;

    for (unsigned i = 0; i < LOOK_MAX; i++) {
        struct list *node = list_first(&server->flows);

        if (node == NULL)
            return;
        list_remove(node);
        list_add_tail(&server->flows, node);
        consider(c, container_of(node, struct flow, link));
        if (node == last)
            return;
    }
}

/* --- a turn --------------------------------------------------------------- */

/* Whether others have more than their share; then C has those who may go. */
static bool
find_candidates(struct candidates *c, const struct server *returned,
                const struct whole *whole)
{
    const struct upstream *upstream = returned->upstream;
    bool any = false;

    c->count = 0;
    for (unsigned i = 0; i < upstream->server_count; i++) {
        struct server *server = &upstream->servers[i];

        if (server == returned || !roster_is_in_service(&upstream->roster, i) ||
            !has_too_many(server, whole))
            continue;
        any = true;
        look_at(c, server);
    }
    return any;
}

/* Retires what the pace allows, and no more than is lacking: other workers do
 * the same meanwhile. How long to wait for the next one. */
static uint64_t
retire(const struct candidates *c, const struct server *returned,
       uint32_t before)
{
    const struct upstream *upstream = returned->upstream;
    struct board *board = upstream->engine->board;
    uint64_t interval_us = SECOND_US / upstream->conf->rebalance;
    uint64_t wait_us = 0;

    for (unsigned i = 0; i < c->count; i++) {
        struct flow *flow = c->items[i].flow;
        struct server *server = flow->server;
        const struct whole whole = whole_of(upstream, before);

        if (!lacks_some(returned, &whole))
            break;
        if (!has_too_many(server, &whole))
            continue;
        if (!board_rebalance_pace(board, upstream->row, clock_us(), interval_us,
                                  &wait_us))
            return wait_us / 1000 + 1;
        if (!flow->retire->retire(flow, RETIRED))
            continue;
        counter_add(&upstream_counters(server)->retired, 1);
        board_rebalance_count(board, returned->row);
    }
    return LOOK_MS;
}

/* Whether it has been for too long that nobody went, WANTED as somebody was. */
static bool
is_starved(struct hunger *hunger, uint32_t retired, bool wanted)
{
    uint64_t now_ms = clock_ms();

    if (!wanted || retired != hunger->retired || hunger->since_ms == 0)
        hunger->since_ms = now_ms;
    hunger->retired = retired;
    return now_ms - hunger->since_ms >= REBALANCE_STARVED_MS;
}

static uint64_t
limit_ms(const struct upstream *upstream, uint64_t sessions)
{
    uint64_t twice_ms = 2 * 1000 * sessions / upstream->conf->rebalance;
    uint64_t limit = REBALANCE_LIMIT_MS;

    if (limit < twice_ms)
        limit = twice_ms;
    return limit + upstream->conf->slowstart_ms;
}

/* Why it is over before anybody is looked for; NULL: it is not. */
static const char *
find_end(const struct server *returned, const struct rebalance_state *state,
         const struct whole *whole)
{
    const struct upstream *upstream = returned->upstream;
    uint64_t age_ms = clock_ms() - state->began_ms;

    if (!roster_is_in_service(&upstream->roster, returned->index))
        return "it is out of service again";
    if (age_ms >= upstream->conf->slowstart_ms && has_share(returned, whole))
        return "it has its share";
    if (state->retired >= whole->expected)
        return "that is as many as there were sessions";
    if (age_ms >= limit_ms(upstream, whole->expected))
        return "it took too long";
    return NULL;
}

static void
end(const struct server *returned, struct rebalance_state *state,
    const char *why)
{
    const struct upstream *upstream = returned->upstream;
    uint64_t age_ms = clock_ms() - state->began_ms;

    if (!board_rebalance_end(upstream->engine->board, returned->row, state))
        return;
    log_info("rebalance of " STR_FMT ": " STR_FMT " came back; %u sessions "
             "retired in %llu s: %s",
             STR_ARG(upstream->conf->name), STR_ARG(returned->conf->name),
             (unsigned)state->retired, (unsigned long long)(age_ms / 1000),
             why);
}

/* One look for the sake of the server that came back. How long to wait for the
 * next one; 0: it is over. */
static uint64_t
go_on(struct rebalance *r, const struct server *returned,
      struct rebalance_state *state)
{
    const struct whole whole = whole_of(r->upstream, state->sessions);
    const char *why = find_end(returned, state, &whole);
    struct candidates candidates;
    bool wanted;

    if (why != NULL) {
        end(returned, state, why);
        return 0;
    }
    wanted = lacks_some(returned, &whole) &&
             find_candidates(&candidates, returned, &whole);
    if (is_starved(&r->hungers[returned->index], state->retired, wanted)) {
        end(returned, state, "no more are idle");
        return 0;
    }
    return wanted ? retire(&candidates, returned, state->sessions) : LOOK_MS;
}

/* Those of a worker that drains end by themselves, and can go nowhere. */
static void
on_tick(struct timer *timer)
{
    struct rebalance *r = container_of(timer, struct rebalance, timer);
    struct upstream *upstream = r->upstream;
    struct engine *engine = upstream->engine;
    uint64_t wait_ms = 0;

    if (engine->draining)
        return;
    upstream_refresh(upstream);
    for (unsigned i = 0; i < upstream->server_count; i++) {
        const struct server *server = &upstream->servers[i];
        struct rebalance_state state;
        uint64_t next_ms = 0;

        if (board_rebalance_read(engine->board, server->row, &state))
            next_ms = go_on(r, server, &state);
        if (next_ms > 0 && (wait_ms == 0 || next_ms < wait_ms))
            wait_ms = next_ms;
    }
    if (wait_ms > 0)
        loop_start_timer(engine->loop, timer, wait_ms);
}

static void
start(struct rebalance *r)
{
    loop_start_timer(r->upstream->engine->loop, &r->timer, 0);
}

/* --- for others ----------------------------------------------------------- */

struct rebalance *
rebalance_new(struct upstream *upstream)
{
    struct rebalance *r = xcalloc(1, sizeof(*r));

    r->upstream = upstream;
    r->hungers = xcalloc(upstream->server_count, sizeof(*r->hungers));
    timer_init(&r->timer, on_tick);
    return r;
}

void
rebalance_free(struct rebalance *r)
{
    if (r == NULL)
        return;
    timer_stop(&r->timer);
    free(r->hungers);
    free(r);
}

/* A server that starts slowly has no share yet, but will. */
static bool
is_needed(const struct server *server, const struct whole *whole)
{
    if (whole->sessions == sessions_of(server))
        return false;
    return server->upstream->conf->slowstart_ms > 0 ||
           !has_share(server, whole);
}

void
rebalance_begin(struct rebalance *r, struct server *server)
{
    struct board *board;
    struct whole whole;

    if (r == NULL)
        return;
    board = r->upstream->engine->board;
    whole = whole_of(r->upstream, 0);
    if (is_needed(server, &whole) &&
        board_rebalance_begin(board, server->row, (uint32_t)whole.sessions,
                              clock_ms()))
        log_info("rebalance of " STR_FMT ": " STR_FMT " came back with %u of "
                 "%u sessions; idle ones of the others are retired at %u/s",
                 STR_ARG(r->upstream->conf->name), STR_ARG(server->conf->name),
                 (unsigned)sessions_of(server), (unsigned)whole.sessions,
                 (unsigned)r->upstream->conf->rebalance);
    /* Another worker may have begun it. */
    r->hungers[server->index].since_ms = 0;
    start(r);
}

void
rebalance_resume(struct rebalance *r)
{
    struct rebalance_state ignored;

    if (r == NULL)
        return;
    for (unsigned i = 0; i < r->upstream->server_count; i++) {
        if (board_rebalance_read(r->upstream->engine->board,
                                 r->upstream->servers[i].row, &ignored)) {
            start(r);
            return;
        }
    }
}
