/* SPDX-License-Identifier: MIT */
#include "proxy/health_state.h"

unsigned
health_state_fall(const struct health_state *s, const struct check_conf *conf)
{
    return s->tried ? conf->fall : 1;
}

enum health_change
health_state_pass(struct health_state *s, const struct check_conf *conf)
{
    s->tried = true;
    s->fails = 0;
    if (s->up)
        return HEALTH_SAME;
    if (++s->passes < conf->rise)
        return HEALTH_SAME;
    s->up = true;
    s->passes = 0;
    return HEALTH_CAME_UP;
}

enum health_change
health_state_fail(struct health_state *s, const struct check_conf *conf,
                  bool at_once)
{
    unsigned fall = health_state_fall(s, conf);

    s->tried = true;
    s->passes = 0;
    s->fails++;
    if (!s->up || (s->fails < fall && !at_once))
        return HEALTH_SAME;
    s->up = false;
    return HEALTH_WENT_DOWN;
}

bool
health_state_is_moving(const struct health_state *s)
{
    return s->up ? s->fails > 0 : s->passes > 0;
}

uint32_t
health_state_interval(const struct health_state *s,
                      const struct check_conf *conf)
{
    if (health_state_is_moving(s))
        return conf->fastinter_ms;
    return s->up ? conf->interval_ms : conf->downinter_ms;
}
