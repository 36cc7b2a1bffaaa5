/* SPDX-License-Identifier: MIT */
#include "board/times.h"

enum {
    STEPS = 1 << TIMES_STEP_BITS,
};

static unsigned
bucket_of(uint64_t ns)
{
    uint64_t units = ns >> TIMES_UNIT_BITS;
    unsigned shift;
    unsigned bucket;

    if (units < STEPS)
        return (unsigned)units;
    shift = 63 - (unsigned)__builtin_clzll(units) - TIMES_STEP_BITS;
    bucket = (shift + 1) * STEPS + ((unsigned)(units >> shift) & (STEPS - 1));
    return bucket < TIMES_BUCKETS ? bucket : TIMES_BUCKETS - 1;
}

/* The middle of a bucket. */
static uint64_t
time_of(unsigned bucket)
{
    unsigned shift = bucket < STEPS ? 0 : bucket / STEPS - 1;
    uint64_t first = bucket < STEPS ? bucket : STEPS + bucket % STEPS;
    uint64_t width = UINT64_C(1) << (shift + TIMES_UNIT_BITS);

    return first * width + width / 2;
}

static void
halve(struct times *t)
{
    for (unsigned i = 0; i < TIMES_BUCKETS; i++)
        atomic_store_explicit(
            &t->counts[i],
            atomic_load_explicit(&t->counts[i], memory_order_relaxed) / 2,
            memory_order_relaxed);
}

void
times_add(struct times *t, uint64_t ns, uint32_t weight)
{
    _Atomic uint32_t *count = &t->counts[bucket_of(ns)];

    if (atomic_load_explicit(count, memory_order_relaxed) > UINT32_MAX - weight)
        halve(t);
    atomic_store_explicit(
        count, atomic_load_explicit(count, memory_order_relaxed) + weight,
        memory_order_relaxed);
    times_raise(t, ns);
}

void
times_raise(struct times *t, uint64_t ns)
{
    if (ns > atomic_load_explicit(&t->max_ns, memory_order_relaxed))
        atomic_store_explicit(&t->max_ns, ns, memory_order_relaxed);
}

void
times_sum(struct times_sum *sum, const struct times *from)
{
    uint64_t max_ns = atomic_load_explicit(&from->max_ns, memory_order_relaxed);

    for (unsigned i = 0; i < TIMES_BUCKETS; i++) {
        uint32_t n =
            atomic_load_explicit(&from->counts[i], memory_order_relaxed);

        sum->counts[i] += n;
        sum->count += n;
    }
    if (max_ns > sum->max_ns)
        sum->max_ns = max_ns;
}

uint64_t
times_quantile(const struct times_sum *sum, double share)
{
    double wanted = share * (double)sum->count;
    uint64_t seen = 0;
    unsigned bucket = 0;
    uint64_t ns;

    if (sum->count == 0)
        return 0;
    for (; bucket < TIMES_BUCKETS - 1; bucket++) {
        seen += sum->counts[bucket];
        if (seen > 0 && (double)seen >= wanted)
            break;
    }
    /* The longest is known exactly; and the last bucket has no middle. */
    ns = time_of(bucket);
    if (ns > sum->max_ns || bucket == TIMES_BUCKETS - 1)
        return sum->max_ns;
    return ns;
}
