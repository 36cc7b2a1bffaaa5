/* SPDX-License-Identifier: MIT */
#include "board/usage.h"

void
usage_set_rate(struct usage_rate *rate, uint64_t count, uint64_t ms)
{
    uint64_t now = ms == 0 ? 0 : (count * 1000 + ms / 2) / ms;

    if (now > UINT32_MAX)
        now = UINT32_MAX;
    atomic_store(&rate->now, (uint32_t)now);
    if (now > atomic_load(&rate->most))
        atomic_store(&rate->most, (uint32_t)now);
}
