/* SPDX-License-Identifier: MIT */
/*
 * Timers in a wheel: starting and stopping one costs a few instructions,
 * whatever its delay, and nothing is re-armed on traffic.  A timer that is
 * further off than the wheel is wide stays in its slot and is looked at once
 * a round.
 *
 *      now ─▶ [ ][t][ ][ ][t t][ ] … 512 slots of 16 ms … [t][ ]
 *
 * The wheel knows no clock and no loop; net/loop.h turns it.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum {
    TIMER_TICK_MS = 16, /* how late a timer may be */
    TIMER_SLOTS = 512,
};

struct timer;
typedef void (*timer_fn)(struct timer *timer);

/* The owner finds itself with container_of. */
struct timer {
    struct list link; /* in a slot, or in none */
    uint64_t due_ms;
    timer_fn fn;
};

struct timer_wheel {
    uint64_t tick;                   /* the last slot that was emptied */
    uint64_t used[TIMER_SLOTS / 64]; /* slots that may hold timers */
    struct list slots[TIMER_SLOTS];
};

/* Prepares a timer that calls FN; it is not running. */
void timer_init(struct timer *timer, timer_fn fn);
bool timer_is_running(const struct timer *timer);

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms);

/* Starts TIMER, or starts it anew, to be called at or soon after DUE_MS. */
void timer_wheel_add(struct timer_wheel *wheel, struct timer *timer,
                     uint64_t due_ms);

/* Stops it; one that does not run is left alone. */
void timer_stop(struct timer *timer);

/* When the wheel must be turned next; UINT64_MAX when it is empty. */
uint64_t timer_wheel_next(struct timer_wheel *wheel);

/* Calls every timer due at NOW_MS.  They may start and stop timers, also each
 * other and themselves. */
void timer_wheel_turn(struct timer_wheel *wheel, uint64_t now_ms);

#endif
