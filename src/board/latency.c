/* SPDX-License-Identifier: MIT */
#include "board/latency.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* What the word of a row holds; all zero: no answer yet. */
struct average {
    float ms;
    uint32_t tick; /* of the last answer that was taken in; it wraps round in
                      two years */
};

static const double LEAST_MS = 0.001; /* an answer in no time is one, too */

_Static_assert(sizeof(struct average) == sizeof(uint64_t), "one word");

static struct average
unpack(uint64_t word)
{
    struct average average;

    memcpy(&average, &word, sizeof(average));
    return average;
}

static uint64_t
pack(struct average average)
{
    uint64_t word;

    memcpy(&word, &average, sizeof(word));
    return word;
}

static uint32_t
tick_of(uint64_t now_ms)
{
    return (uint32_t)(now_ms >> LATENCY_TICK_BITS);
}

static double
decay(uint32_t ticks)
{
    return exp(-(double)ticks * (1 << LATENCY_TICK_BITS) / LATENCY_DECAY_MS);
}

void
latency_init(double weights[LATENCY_WEIGHTS])
{
    for (uint32_t i = 0; i < LATENCY_WEIGHTS; i++)
        weights[i] = decay(i);
}

/* What is left of an average after that many ticks. Another process may be
 * ahead of this one by a tick. */
static double
weight_after(const struct board *b, uint32_t ticks)
{
    if (ticks < LATENCY_WEIGHTS)
        return b->latency_weights[ticks];
    return (int32_t)ticks < 0 ? 1 : decay(ticks);
}

bool
latency_add(struct board *b, int row, double ms, uint64_t now_ms)
{
    _Atomic uint64_t *word = &b->servers[row].latency;
    uint64_t before = atomic_load_explicit(word, memory_order_relaxed);
    uint32_t tick = tick_of(now_ms);
    struct average after;

    if (!(ms > LEAST_MS))
        ms = LEAST_MS;
    do {
        struct average now = unpack(before);
        double weight = weight_after(b, tick - now.tick);

        after = (struct average){.ms = (float)ms, .tick = tick};
        if (before != 0 && ms <= (double)now.ms) {
            if (weight >= 1)
                return false;
            after.ms = (float)(now.ms * weight + ms * (1 - weight));
        }
    } while (!atomic_compare_exchange_weak_explicit(word, &before, pack(after),
                                                    memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

double
latency_read(const struct board *b, int row, uint64_t now_ms)
{
    struct average average = unpack(
        atomic_load_explicit(&b->servers[row].latency, memory_order_relaxed));

    return average.ms * weight_after(b, tick_of(now_ms) - average.tick);
}
