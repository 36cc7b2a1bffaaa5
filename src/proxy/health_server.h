/* SPDX-License-Identifier: MIT */
/*
 * What health knows of servers and upstreams, for its modules: health.c, which
 * has them checked and decides who is up, and health_weights.c.
 */
#ifndef PROXY_HEALTH_SERVER_H
#define PROXY_HEALTH_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/window.h"
#include "board/rows.h"
#include "config/model.h"
#include "net/loop.h"
#include "proxy/check.h"
#include "proxy/health_state.h"
#include "proxy/weights.h"

struct board;

struct health_server {
    struct health_upstream *upstream;
    const struct server_conf *conf;
    int row;      /* on the board */
    bool checked; /* it has a checker */
    struct checker checker;
    struct timer next;
    uint64_t due_ms; /* when the last check was due, or the next one is */
    struct health_state state;
    uint64_t answers;      /* of live traffic, when the check began */
    double share;          /* of its weight, by its check */
    bool slow;             /* it comes back slowly */
    uint64_t slow_from_ms; /* since then */
    bool was_maint;
    uint64_t failures; /* of live traffic, that are counted */
    struct window window;
    bool spared; /* it would be down, were it not the last one */
};

struct health_upstream {
    struct health *health;
    const struct upstream_conf *conf;
    struct health_server *servers;
    struct weight *weights;
    unsigned count;
    unsigned in_service;
};

struct health {
    struct loop *loop;
    struct board *board;
    struct health_upstream *upstreams;
    size_t count;
    struct watch wake;
    struct timer slow_tick;
};

static inline struct board *
health_board(const struct health_server *s)
{
    return s->upstream->health->board;
}

static inline const char *
health_name(const struct health_server *s)
{
    return health_board(s)->servers[s->row].name.text;
}

static inline const struct check_conf *
health_check(const struct health_server *s)
{
    return &s->upstream->conf->check;
}

/* One without checks is up unless somebody else says otherwise. */
static inline bool
health_is_up(const struct health_server *s)
{
    return s->checked ? s->state.up
                      : atomic_load(&health_board(s)->servers[s->row].up);
}

#endif
