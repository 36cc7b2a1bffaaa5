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

uint32_t
health_state_interval(const struct health_state *s,
                      const struct check_conf *conf)
{
    if (s->up)
        return s->fails == 0 ? conf->interval_ms : conf->fastinter_ms;
    return s->passes == 0 ? conf->downinter_ms : conf->fastinter_ms;
}
