/* SPDX-License-Identifier: MIT */
#include "board/strikes.h"

#include "base/clock.h"

bool
strikes_condemn(struct script_row *row, enum strike_fault fault)
{
    uint8_t none = STRIKE_NONE;

    if (!atomic_compare_exchange_strong(&row->verdict, &none, (uint8_t)fault))
        return false;
    atomic_store(&row->verdict_ms, clock_wall_ms());
    return true;
}

/* The place after the newest strike's has the oldest one. */
bool
strikes_add(struct script_row *row, enum strike_fault fault)
{
    uint64_t now = clock_ms();
    uint32_t n = atomic_fetch_add(&row->strike_count, 1);
    uint64_t oldest;

    atomic_store(&row->strikes_ms[n % STRIKES_MAX], now);
    if (n + 1 < STRIKES_MAX)
        return false;
    oldest = atomic_load(&row->strikes_ms[(n + 1) % STRIKES_MAX]);
    if (now > oldest && now - oldest > STRIKES_WITHIN_MS)
        return false;
    return strikes_condemn(row, fault);
}

void
strikes_lift(struct script_row *row)
{
    atomic_store(&row->strike_count, 0);
    atomic_store(&row->verdict_ms, 0);
    atomic_store(&row->verdict, STRIKE_NONE);
}

const char *
strikes_words(enum strike_fault verdict)
{
    switch (verdict) {
    case STRIKE_NONE:
        return "";
    case STRIKE_TIME:
        return "3 times within a minute it had to be interrupted, the last "
               "time for its CPU time";
    case STRIKE_MEMORY:
        return "3 times within a minute it had to be interrupted, the last "
               "time for its memory";
    case STRIKE_STUCK:
        return "a worker was stuck in it and had to be killed";
    }
    return "";
}
