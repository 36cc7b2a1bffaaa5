/* SPDX-License-Identifier: MIT */
#include "proxy/weights.h"

#include <stdbool.h>

static const double SLOW_FIRST = 0.1; /* the share of a server just back */
static const double WHOLE = 0.999;    /* rounding may have taken the rest */

/* The scale is an integer, so that the ratios of whole shares stay exact. */
static int32_t
scale_of(const struct weight *weights, unsigned count)
{
    int32_t largest = 1;
    int32_t scale;

    for (unsigned i = 0; i < count; i++) {
        if (weights[i].weight > largest)
            largest = weights[i].weight;
    }
    scale = WEIGHTS_SEEN_MAX / largest;
    return scale < WEIGHTS_SCALE_MAX ? scale : WEIGHTS_SCALE_MAX;
}

static bool
all_are_whole(const struct weight *weights, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (weights[i].share < WHOLE)
            return false;
    }
    return true;
}

void
weights_set_seen(struct weight *weights, unsigned count)
{
    int32_t scale =
        all_are_whole(weights, count) ? 1 : scale_of(weights, count);

    for (unsigned i = 0; i < count; i++) {
        struct weight *w = &weights[i];
        double part = w->share < WHOLE ? w->share : 1;

        w->seen = (int32_t)((double)(w->weight * scale) * part + 0.5);
        if (w->seen == 0 && w->weight > 0)
            w->seen = 1;
    }
}

void
weights_set_shares(struct weight *weights, unsigned count)
{
    int32_t scale = 1;

    for (unsigned i = 0; i < count; i++) {
        weights[i].share = 1;
        if (weights[i].seen != weights[i].weight)
            scale = scale_of(weights, count);
    }
    for (unsigned i = 0; i < count; i++) {
        struct weight *w = &weights[i];
        double share =
            w->weight == 0 ? 1 : (double)w->seen / (double)(w->weight * scale);

        if (share < WHOLE)
            w->share = share;
    }
}

double
weights_slow_share(uint64_t elapsed_ms, uint64_t span_ms)
{
    if (elapsed_ms >= span_ms)
        return 1;
    return SLOW_FIRST + (1 - SLOW_FIRST) * (double)elapsed_ms / (double)span_ms;
}

uint64_t
weights_slow_elapsed(double share, uint64_t span_ms)
{
    if (share <= SLOW_FIRST)
        return 0;
    return (uint64_t)((share - SLOW_FIRST) / (1 - SLOW_FIRST) *
                      (double)span_ms);
}
