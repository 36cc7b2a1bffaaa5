/* SPDX-License-Identifier: MIT */
/*
 * Whether a server is up, as its checks come in: HAProxy's rise and fall.
 *
 *            fall failed in a row                (the first one ever, or one
 *     up ───────────────────────────▶ down        that is believed at once)
 *        ◀───────────────────────────
 *            rise passed in a row
 *
 * One that passes while it is up has all its credit back.
 */
#ifndef PROXY_HEALTH_STATE_H
#define PROXY_HEALTH_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"

struct health_state {
    bool up;
    bool tried;      /* a check has passed or failed */
    unsigned fails;  /* in a row */
    unsigned passes; /* in a row, while down */
};

enum health_change {
    HEALTH_SAME,
    HEALTH_CAME_UP,
    HEALTH_WENT_DOWN,
};

/* A check has passed. */
enum health_change
health_state_pass(struct health_state *s, const struct check_conf *conf);

/* A check has failed, or as much as that; AT_ONCE: it need not be repeated. */
enum health_change
health_state_fail(struct health_state *s, const struct check_conf *conf,
                  bool at_once);

/* How many failed checks in a row take it down. */
unsigned
health_state_fall(const struct health_state *s, const struct check_conf *conf);

/* Is it on its way up or down? */
bool health_state_is_moving(const struct health_state *s);

/* From the last check's start to the next one's. */
uint32_t health_state_interval(const struct health_state *s,
                               const struct check_conf *conf);

#endif
