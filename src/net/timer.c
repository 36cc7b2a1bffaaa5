/* SPDX-License-Identifier: MIT */
#include "net/timer.h"

#include <stddef.h>

void
timer_init(struct timer *timer, timer_fn fn)
{
    list_init(&timer->link);
    timer->due_ms = 0;
    timer->fn = fn;
}

bool
timer_is_running(const struct timer *timer)
{
    return !list_empty(&timer->link);
}

void
timer_stop(struct timer *timer)
{
    list_remove(&timer->link);
}

void
timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms)
{
    wheel->tick = now_ms / TIMER_TICK_MS;
    for (unsigned i = 0; i < TIMER_SLOTS / 64; i++)
        wheel->used[i] = 0;
    for (unsigned i = 0; i < TIMER_SLOTS; i++)
        list_init(&wheel->slots[i]);
}

/* The tick at whose end a time is surely past. */
static uint64_t
tick_of(const struct timer_wheel *wheel, uint64_t due_ms)
{
    uint64_t tick = due_ms / TIMER_TICK_MS + 1;

    return tick > wheel->tick ? tick : wheel->tick + 1;
}

void
timer_wheel_add(struct timer_wheel *wheel, struct timer *timer, uint64_t due_ms)
{
    unsigned slot = (unsigned)(tick_of(wheel, due_ms) % TIMER_SLOTS);

    list_remove(&timer->link);
    timer->due_ms = due_ms;
    list_add_tail(&wheel->slots[slot], &timer->link);
    wheel->used[slot / 64] |= UINT64_C(1) << (slot % 64);
}

uint64_t
timer_wheel_next(struct timer_wheel *wheel)
{
    for (uint64_t i = 1; i <= TIMER_SLOTS; i++) {
        unsigned slot = (unsigned)((wheel->tick + i) % TIMER_SLOTS);
        uint64_t bit = UINT64_C(1) << (slot % 64);

        if (wheel->used[slot / 64] == 0 && slot % 64 == 0) {
            i += 63;
            continue;
        }
        if ((wheel->used[slot / 64] & bit) == 0)
            continue;
        if (!list_empty(&wheel->slots[slot]))
            return (wheel->tick + i) * TIMER_TICK_MS;
        wheel->used[slot / 64] &= ~bit;
    }
    return UINT64_MAX;
}

/* Moves what is due from a slot to a list of its own; the rest waits for the
 * wheel to come round again. */
static void
take_due(struct timer_wheel *wheel, unsigned slot, struct list *due)
{
    list_for_each_safe(node, &wheel->slots[slot])
    {
        struct timer *timer = container_of(node, struct timer, link);

        if (timer->due_ms / TIMER_TICK_MS + 1 > wheel->tick)
            continue;
        list_remove(&timer->link);
        list_add_tail(due, &timer->link);
    }
}

void
timer_wheel_turn(struct timer_wheel *wheel, uint64_t now_ms)
{
    uint64_t now = now_ms / TIMER_TICK_MS;
    uint64_t first = wheel->tick + 1;
    struct list due;

    if (now <= wheel->tick)
        return;
    list_init(&due);
    wheel->tick = now;
    /* After a long sleep each slot is looked at once. */
    if (now - first >= TIMER_SLOTS)
        first = now - TIMER_SLOTS + 1;
    for (uint64_t tick = first; tick <= now; tick++)
        take_due(wheel, (unsigned)(tick % TIMER_SLOTS), &due);
    for (struct list *node; (node = list_take_first(&due)) != NULL;) {
        struct timer *timer = container_of(node, struct timer, link);

        timer->fn(timer);
    }
}
