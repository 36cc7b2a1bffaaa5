/* SPDX-License-Identifier: MIT */
/*
 * The event loop of a process: libevent's, with a clock that is read once a
 * turn, a timer wheel, and work put off to the end of the turn.  The last is
 * where objects are freed, so that nothing a callback calls can free what the
 * callback still uses.
 *
 *      wait ─▶ clock ─▶ descriptors … ─▶ timers … ─▶ deferred … ─▶ wait
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mem.h"
#include "net/timer.h"

struct event_base;
struct loop;

/* Work for the end of the turn.  It may be asked for again while it waits;
 * it is done once. */
struct deferred;
typedef void (*deferred_fn)(struct deferred *deferred);
struct deferred {
    struct list link;
    deferred_fn fn;
};

/* A descriptor whose readability is watched, level-triggered: for sockets
 * that are not streams (listeners, pipes, eventfds, datagrams). */
struct watch;
typedef void (*watch_fn)(struct watch *watch);
struct watch {
    struct event event;
    struct loop *loop;
    watch_fn fn;
};

/* A socket that was read until it seemed empty. libevent reports a connection
 * that broke in the same words as one that can be read and written, so when the
 * last bytes and the break come with one edge, the break is not seen. Those in
 * doubt are looked at together, a moment later: no read pays for it. */
struct doubt;
typedef void (*doubt_fn)(struct doubt *doubt);
struct doubt {
    struct list link;
    int fd; /* -1: none */
    doubt_fn fn;
};

enum {
    DOUBT_MS = 100, /* how late a break may be seen */
};

/* A loop, or NULL with errno.  After a fork the child makes its own. */
struct loop *loop_new(void);

/* Frees it, after what was put off is done. */
void loop_free(struct loop *loop);

/* Runs until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* libevent's own, for what this module does not wrap (signals). */
struct event_base *loop_base(struct loop *loop);

/* Must be the first call of any callback that libevent makes: the clock is
 * read if it has not been in this turn. */
void loop_wake(struct loop *loop);

/* Starts, or starts anew, TIMER to be called DELAY_MS from now. */
void
loop_start_timer(struct loop *loop, struct timer *timer, uint64_t delay_ms);

/* Another number in each turn, for what is deferred to share one out. */
uint64_t loop_turn(const struct loop *loop);

void deferred_init(struct deferred *deferred, deferred_fn fn);
void loop_defer(struct loop *loop, struct deferred *deferred);
void deferred_cancel(struct deferred *deferred);

void doubt_init(struct doubt *doubt, doubt_fn fn);
void doubt_cancel(struct doubt *doubt);

/* Calls the doubt's function within DOUBT_MS if FD has broken, or both sides
 * have ended. */
void loop_doubt(struct loop *loop, struct doubt *doubt, int fd);

/* Watches FD, which stays the caller's; 0, or -1 with errno.  Stop it before
 * the descriptor is closed. */
int watch_start(struct watch *watch, struct loop *loop, int fd,
                watch_fn fn) MUST_CHECK;
void watch_stop(struct watch *watch);
int watch_fd(const struct watch *watch);

#endif
