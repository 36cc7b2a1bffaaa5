/* SPDX-License-Identifier: MIT */
#include "script/stopwatch.h"

#include <stddef.h>
#include <time.h>

#include "board/counters.h"

enum {
    FIRST_CALLS = 1000, /* of a hook, all of which are timed */
    EVERY = 16,         /* of the others, on average */
};

/* The handler of a signal reads and writes what is volatile; it runs in the
 * same thread. */
static struct {
    struct stopwatch_lap next;    /* what report_call has announced */
    struct stopwatch_lap whole;   /* a call that is not in parts */
    struct stopwatch_lap *lap;    /* what runs; NULL: nothing */
    uint64_t began_ns;            /* where it is timed */
    volatile uint64_t noticed_ns; /* 0: it was not */
    uint32_t random;
} watch = {.random = 1};

static uint64_t
read_clock(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* From 0 to 2 * (EVERY - 1), as often each: calls that come in turn, as those
 * of a rotation, must not be timed in the same turn. */
static uint32_t
next_skip(void)
{
    watch.random ^= watch.random << 13;
    watch.random ^= watch.random >> 17;
    watch.random ^= watch.random << 5;
    return watch.random % (2 * EVERY - 1);
}

static uint32_t
weigh(struct stopwatch *of)
{
    if (of->skip > 0) {
        of->skip--;
        return 0;
    }
    if (of->first < FIRST_CALLS) {
        of->first++;
        return 1;
    }
    of->skip = next_skip();
    return EVERY;
}

void
stopwatch_next(struct stopwatch *of)
{
    watch.next = (struct stopwatch_lap){.of = of, .weight = weigh(of)};
}

void
stopwatch_take(struct stopwatch_lap *lap)
{
    *lap = watch.next;
    watch.next.of = NULL;
}

void
stopwatch_go_on(struct stopwatch_lap *lap)
{
    watch.lap = lap;
}

void
stopwatch_record(struct stopwatch_lap *lap)
{
    if (lap->of != NULL && lap->weight > 0)
        times_add(&lap->of->counters->times, lap->spent_ns, lap->weight);
    lap->of = NULL;
}

void
stopwatch_start(void)
{
    if (watch.lap == NULL) {
        watch.whole = watch.next;
        watch.next.of = NULL;
        watch.lap = &watch.whole;
    }
    watch.noticed_ns = 0;
    if (watch.lap->of != NULL && watch.lap->weight > 0)
        watch.began_ns = read_clock();
}

void
stopwatch_stop(void)
{
    struct stopwatch_lap *lap = watch.lap;

    watch.lap = NULL;
    if (lap == NULL || lap->of == NULL)
        return;
    if (lap->weight > 0)
        lap->spent_ns += read_clock() - watch.began_ns;
    else if (watch.noticed_ns != 0)
        times_raise(&lap->of->counters->times, read_clock() - watch.noticed_ns);
    if (lap == &watch.whole)
        stopwatch_record(lap);
}

void
stopwatch_notice(void)
{
    if (watch.noticed_ns == 0)
        watch.noticed_ns = read_clock();
}
