/* SPDX-License-Identifier: MIT */
/*
 * How long hooks take: the time from a call of Lua to its return, by the clock.
 * Of a hook that waits, it is the sum of its parts; what lies between them does
 * not count.
 *
 *     stopwatch_next(of)                      report_call
 *       ├── stopwatch_start … stopwatch_stop  guard_begin, guard_end
 *       └── stopwatch_take(lap) … stopwatch_go_on(lap), start, stop, ...,
 *           stopwatch_record(lap)             a task, in parts
 *
 * To read the clock takes a third of the time of a short `pick`. So, of each
 * hook and in each process, the first thousand calls are timed, and from there
 * on one of sixteen, by chance, which counts for all of them.
 */
#ifndef SCRIPT_STOPWATCH_H
#define SCRIPT_STOPWATCH_H

#include <stdint.h>

struct script_counters;

/* One hook of a script, in this process. */
struct stopwatch {
    struct script_counters *counters; /* on the board; NULL: not counted */
    uint32_t first;                   /* calls that were timed one by one */
    uint32_t skip;                    /* calls until the next that is timed */
};

/* One call that is under way. */
struct stopwatch_lap {
    struct stopwatch *of; /* NULL: nobody's */
    uint32_t weight;      /* calls that it counts for; 0: it is not timed */
    uint64_t spent_ns;
};

/* The call that begins next is one of this hook. */
void stopwatch_next(struct stopwatch *of);

/* The one that was to be next runs later, in parts. */
void stopwatch_take(struct stopwatch_lap *lap);

/* The next part of it begins. */
void stopwatch_go_on(struct stopwatch_lap *lap);

/* Its last part has ended. */
void stopwatch_record(struct stopwatch_lap *lap);

/* A call, or a part of one, begins and has ended. */
void stopwatch_start(void);
void stopwatch_stop(void);

/* It has been under way for a while, and may be a long one: it counts for the
 * longest time, from now on, even if it is not timed. From a signal's handler.
 */
void stopwatch_notice(void);

#endif
