/* SPDX-License-Identifier: MIT */
#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"

enum {
    DOUBT_BATCH = 64, /* looked at by one poll */
};

struct loop {
    struct event_base *base;
    struct event *tick; /* turns the wheel */
    uint64_t tick_ms;   /* when it will; UINT64_MAX: it is not set */
    struct timer_wheel wheel;
    struct list deferred;
    uint64_t turn; /* how often they have been called */
    struct list doubts;
    struct timer look; /* at the doubts */
    bool awake;        /* the clock was read in this turn */
    bool stopped;
};

void
loop_wake(struct loop *loop)
{
    if (loop->awake)
        return;
    loop->awake = true;
    clock_update();
}

/* Sets the tick for the wheel's next slot, unless it comes early enough. */
static void
set_tick(struct loop *loop)
{
    uint64_t next = timer_wheel_next(&loop->wheel);
    uint64_t delay_ms;
    struct timeval delay;

    if (next >= loop->tick_ms)
        return;
    delay_ms = next > clock_ms() ? next - clock_ms() : 0;
    delay.tv_sec = (time_t)(delay_ms / 1000);
    delay.tv_usec = (suseconds_t)(delay_ms % 1000 * 1000);
    if (event_add(loop->tick, &delay) == 0)
        loop->tick_ms = next;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;

    (void)fd;
    (void)what;
    loop_wake(loop);
    loop->tick_ms = UINT64_MAX;
    timer_wheel_turn(&loop->wheel, clock_ms());
    set_tick(loop);
}

static struct event_base *
base_new(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    if (config == NULL)
        return NULL;
    /* One thread a process: locks and the wake-up pipe would be for nobody. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(config,
                                  EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
    base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

/* Moves all of FROM to the empty list TO. */
static void
list_move(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

/* Polls the first of DOUBTS and takes them out. What is called may cancel
 * others, whose descriptor is then -1. */
static void
look_at_batch(struct list *doubts)
{
    struct pollfd fds[DOUBT_BATCH];
    struct doubt *batch[DOUBT_BATCH];
    nfds_t n = 0;

    while (n < DOUBT_BATCH && !list_empty(doubts)) {
        struct list *node = list_take_first(doubts);

        batch[n] = container_of(node, struct doubt, link);
        fds[n] = (struct pollfd){.fd = batch[n]->fd};
        n++;
    }
    if (poll(fds, n, 0) <= 0)
        return;
    for (nfds_t i = 0; i < n; i++) {
        if (fds[i].revents != 0 && batch[i]->fd == fds[i].fd)
            batch[i]->fn(batch[i]);
    }
}

static void
on_look(struct timer *timer)
{
    struct loop *loop = container_of(timer, struct loop, look);
    struct list now;

    list_init(&now);
    list_move(&now, &loop->doubts);
    while (!list_empty(&now))
        look_at_batch(&now);
}

struct loop *
loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL)
        return NULL;
    loop->base = base_new();
    if (loop->base == NULL)
        goto free_loop;
    loop->tick = event_new(loop->base, -1, 0, on_tick, loop);
    if (loop->tick == NULL)
        goto free_base;
    clock_update();
    timer_wheel_init(&loop->wheel, clock_ms());
    loop->tick_ms = UINT64_MAX;
    list_init(&loop->deferred);
    list_init(&loop->doubts);
    timer_init(&loop->look, on_look);
    return loop;

free_base:
    event_base_free(loop->base);
free_loop:
    free(loop);
    errno = ENOMEM;
    return NULL;
}

/* Does what was put off up to now; what that puts off in its turn waits, so
 * that descriptors are looked at in between. */
static void
run_deferred(struct loop *loop)
{
    struct list now;

    list_init(&now);
    list_move(&now, &loop->deferred);
    loop->turn++;
    for (struct list *node; (node = list_take_first(&now)) != NULL;) {
        struct deferred *d = container_of(node, struct deferred, link);

        d->fn(d);
    }
}

void
loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    while (!list_empty(&loop->deferred))
        run_deferred(loop);
    event_free(loop->tick);
    event_base_free(loop->base);
    free(loop);
}

void
loop_run(struct loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped) {
        int wait = list_empty(&loop->deferred) ? 0 : EVLOOP_NONBLOCK;

        loop->awake = false;
        if (event_base_loop(loop->base, EVLOOP_ONCE | wait) < 0)
            break;
        run_deferred(loop);
    }
    while (!list_empty(&loop->deferred))
        run_deferred(loop);
}

void
loop_stop(struct loop *loop)
{
    loop->stopped = true;
    event_base_loopbreak(loop->base);
}

uint64_t
loop_turn(const struct loop *loop)
{
    return loop->turn;
}

struct event_base *
loop_base(struct loop *loop)
{
    return loop->base;
}

void
loop_start_timer(struct loop *loop, struct timer *timer, uint64_t delay_ms)
{
    uint64_t due_ms = clock_ms() + delay_ms;

    timer_wheel_add(&loop->wheel, timer, due_ms);
    if (due_ms < loop->tick_ms)
        set_tick(loop);
}

void
deferred_init(struct deferred *deferred, deferred_fn fn)
{
    list_init(&deferred->link);
    deferred->fn = fn;
}

void
loop_defer(struct loop *loop, struct deferred *deferred)
{
    if (list_empty(&deferred->link))
        list_add_tail(&loop->deferred, &deferred->link);
}

void
deferred_cancel(struct deferred *deferred)
{
    list_remove(&deferred->link);
}

void
doubt_init(struct doubt *doubt, doubt_fn fn)
{
    list_init(&doubt->link);
    doubt->fd = -1;
    doubt->fn = fn;
}

void
doubt_cancel(struct doubt *doubt)
{
    list_remove(&doubt->link);
    doubt->fd = -1;
}

void
loop_doubt(struct loop *loop, struct doubt *doubt, int fd)
{
    if (!list_empty(&doubt->link))
        return;
    doubt->fd = fd;
    list_add_tail(&loop->doubts, &doubt->link);
    if (!timer_is_running(&loop->look))
        loop_start_timer(loop, &loop->look, DOUBT_MS);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;

    (void)fd;
    (void)what;
    loop_wake(watch->loop);
    watch->fn(watch);
}

int
watch_start(struct watch *watch, struct loop *loop, int fd, watch_fn fn)
{
    watch->loop = loop;
    watch->fn = fn;
    if (event_assign(&watch->event, loop->base, fd, EV_READ | EV_PERSIST,
                     on_readable, watch) < 0) {
        errno = EINVAL;
        return -1;
    }
    if (event_add(&watch->event, NULL) < 0) {
        if (errno == 0)
            errno = ENOMEM;
        return -1;
    }
    return 0;
}

void
watch_stop(struct watch *watch)
{
    event_del(&watch->event);
}

int
watch_fd(const struct watch *watch)
{
    return event_get_fd(&watch->event);
}
