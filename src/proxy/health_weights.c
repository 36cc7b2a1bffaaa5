/* SPDX-License-Identifier: MIT */
#include "proxy/health_weights.h"

#include "base/clock.h"
#include "board/board.h"
#include "board/state.h"
#include "proxy/health_server.h"

enum {
    SLOW_TICK_MS = 200, /* how often a growing weight is looked at */
};

static double
share_of(struct health_server *s, uint64_t now_ms)
{
    uint32_t span_ms = s->upstream->conf->slowstart_ms;
    uint64_t elapsed_ms = now_ms - s->slow_from_ms;

    if (!health_is_up(s))
        return 1;
    if (s->slow && elapsed_ms >= span_ms)
        s->slow = false;
    return s->slow ? s->share * weights_slow_share(elapsed_ms, span_ms)
                   : s->share;
}

void
health_weigh(struct health_upstream *u)
{
    struct board *board = u->health->board;

    for (unsigned i = 0; i < u->count; i++) {
        struct health_server *s = &u->servers[i];

        u->weights[i].weight = atomic_load(&board->servers[s->row].weight);
        u->weights[i].share = share_of(s, clock_ms());
    }
    weights_set_seen(u->weights, u->count);
    for (unsigned i = 0; i < u->count; i++)
        board_set_weight_now(board, u->servers[i].row, u->weights[i].seen);
}

static bool
has_slow_server(const struct health_upstream *u)
{
    for (unsigned i = 0; i < u->count; i++) {
        if (u->servers[i].slow)
            return true;
    }
    return false;
}

static void
on_slow_tick(struct timer *timer)
{
    struct health *h = container_of(timer, struct health, slow_tick);
    bool more = false;

    for (size_t i = 0; i < h->count; i++) {
        struct health_upstream *u = &h->upstreams[i];

        if (!has_slow_server(u))
            continue;
        health_weigh(u);
        more |= has_slow_server(u);
    }
    if (more)
        loop_start_timer(h->loop, timer, SLOW_TICK_MS);
}

void
health_start_slowly(struct health_server *s, uint64_t ago_ms)
{
    struct health *h = s->upstream->health;

    if (s->upstream->conf->slowstart_ms == 0)
        return;
    s->slow = true;
    s->slow_from_ms = clock_ms() - ago_ms;
    if (!timer_is_running(&h->slow_tick))
        loop_start_timer(h->loop, &h->slow_tick, SLOW_TICK_MS);
}

void
health_init_weights(struct health *h)
{
    timer_init(&h->slow_tick, on_slow_tick);
}

void
health_resume_weights(struct health_upstream *u)
{
    for (unsigned i = 0; i < u->count; i++) {
        const struct server_row *row =
            &u->health->board->servers[u->servers[i].row];

        u->weights[i].weight = atomic_load(&row->weight);
        u->weights[i].seen = atomic_load(&row->weight_now);
    }
    weights_set_shares(u->weights, u->count);
    for (unsigned i = 0; i < u->count; i++) {
        double share = u->weights[i].share;
        uint32_t span_ms = u->conf->slowstart_ms;

        if (share < 1 && span_ms > 0)
            health_start_slowly(&u->servers[i],
                                weights_slow_elapsed(share, span_ms));
        else
            u->servers[i].share = share;
    }
}
