/* SPDX-License-Identifier: MIT */
/*
 * The kind of a record in a ring is a line's level, or RECORD_ACCESS. Rings
 * outlive their workers and control: what is in them is shipped by the next
 * control, under the pid that the worker has by then.
 */
#include "app/log_ring.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "app/log_output.h"
#include "base/log.h"
#include "board/ring.h"

enum {
    RECORD_ACCESS = 16, /* above any level */
    SHIP_DELAY_MS = 16, /* how long records may wait for company */
    SHIP_BATCH = 4096,  /* of one ring before other work has its turn */
    REPORT_EVERY_MS = 10000,
};

/* Added to the eventfd; the sum tells whether anybody was in a hurry. */
static const uint64_t wake_soon = 1;
static const uint64_t wake_now = UINT64_C(1) << 32;

/* --- a worker's side ------------------------------------------------------ */

static void
wake(const struct log_ring *r, uint64_t how)
{
    if (write(r->wake_fd, &how, sizeof(how)) < 0) {
        /* The eventfd is full of wakes already. */
    }
}

/* STATE is what the ring says of a record. */
static void
tell_control(struct log_ring *r, unsigned state)
{
    bool half_full = (state & RING_HALF_FULL) != 0;

    if (half_full && !r->hurried)
        wake(r, wake_now);
    else if ((state & RING_WAS_EMPTY) != 0)
        wake(r, wake_soon);
    r->hurried = half_full;
}

/* A flood of records, or of what a script says, leaves room for what is wrong.
 */
static void
on_line(void *arg, enum log_level level, const char *line, size_t len)
{
    struct log_ring *r = arg;
    bool urgent = level >= LOG_LEVEL_WARN;

    tell_control(r, urgent ? ring_put(r->ring, (uint8_t)level, 0, line, len - 1)
                           : ring_put_sparing(r->ring, (uint8_t)level, 0, line,
                                              len - 1));
}

void
log_ring_start(struct log_ring *r, struct board *board, unsigned worker,
               int wake_fd)
{
    *r = (struct log_ring){
        .ring = board_ring(board, worker),
        .wake_fd = wake_fd,
    };
    log_set_sink(on_line, r);
}

void
log_ring_stop(void)
{
    log_set_sink(NULL, NULL);
}

void
log_ring_record(void *arg, unsigned section, const char *line, size_t len)
{
    struct log_ring *r = arg;

    if (len > 0 && line[len - 1] == '\n')
        len--;
    tell_control(r, ring_put_sparing(r->ring, RECORD_ACCESS, (uint16_t)section,
                                     line, len));
}

/* --- control's side ------------------------------------------------------- */

static void
ship_record(struct log_shipper *s, unsigned worker,
            const struct ring_record *record)
{
    pid_t pid = atomic_load(&s->board->workers[worker].pid);

    if (pid == 0)
        pid = getpid();
    if (record->kind <= LOG_LEVEL_ERROR)
        log_output_line(s->output, pid, (enum log_level)record->kind,
                        record->text);
    else
        log_output_record(s->output, pid, record->target, record->text);
}

/* Ships at most MOST records of a ring; was that all there were? */
static bool
ship_ring(struct log_shipper *s, unsigned worker, unsigned most)
{
    struct ring *ring = board_ring(s->board, worker);
    struct ring_record record;

    for (unsigned i = 0; i < most; i++) {
        if (!ring_peek(ring, &record))
            return true;
        ship_record(s, worker, &record);
        ring_pop(ring, &record);
    }
    return false;
}

static void
show_lost(struct log_shipper *s)
{
    atomic_store_explicit(&s->board->header->log_lost,
                          s->lost_before + log_output_lost(s->output),
                          memory_order_relaxed);
}

static void
ship(struct log_shipper *s)
{
    bool all = true;

    timer_stop(&s->delay);
    for (unsigned i = 0; i < board_worker_top(s->board); i++)
        all &= ship_ring(s, i, SHIP_BATCH);
    log_output_flush(s->output);
    show_lost(s);
    if (!all)
        loop_start_timer(s->loop, &s->delay, 0);
}

static void
on_delay_over(struct timer *timer)
{
    ship(container_of(timer, struct log_shipper, delay));
}

static void
on_wake(struct watch *watch)
{
    struct log_shipper *s = container_of(watch, struct log_shipper, wake);
    uint64_t sum = 0;

    if (read(watch_fd(watch), &sum, sizeof(sum)) != sizeof(sum))
        return;
    if (sum >= wake_now)
        ship(s);
    else if (!timer_is_running(&s->delay))
        loop_start_timer(s->loop, &s->delay, SHIP_DELAY_MS);
}

static void
report_rings(struct log_shipper *s)
{
    for (unsigned i = 0; i < board_worker_top(s->board); i++) {
        uint64_t lost = ring_dropped(board_ring(s->board, i));

        if (lost != s->lost[i])
            log_warn("the log ring of worker[%u] was full lost=%" PRIu64, i,
                     lost - s->lost[i]);
        s->lost[i] = lost;
    }
}

static void
report(struct log_shipper *s)
{
    report_rings(s);
    log_output_report(s->output);
    show_lost(s);
}

static void
on_report(struct timer *timer)
{
    struct log_shipper *s = container_of(timer, struct log_shipper, report);

    report(s);
    loop_start_timer(s->loop, timer, REPORT_EVERY_MS);
}

int
log_shipper_start(struct log_shipper *s, struct loop *loop, struct board *board,
                  struct log_output *output, int wake_fd)
{
    *s = (struct log_shipper){
        .loop = loop,
        .board = board,
        .output = output,
        .lost_before = atomic_load(&board->header->log_lost),
    };
    timer_init(&s->delay, on_delay_over);
    timer_init(&s->report, on_report);
    if (watch_start(&s->wake, loop, wake_fd, on_wake) < 0)
        return -1;
    loop_start_timer(loop, &s->report, REPORT_EVERY_MS);
    ship(s);
    return 0;
}

static void
ship_rest(struct log_shipper *s)
{
    for (unsigned i = 0; i < board_worker_top(s->board); i++) {
        while (!ship_ring(s, i, SHIP_BATCH))
            continue;
    }
    log_output_flush(s->output);
    report(s);
}

void
log_shipper_use(struct log_shipper *s, struct log_output *output)
{
    uint64_t lost;

    ship_rest(s);
    lost = s->lost_before + log_output_lost(s->output);
    log_output_take_over(output, s->output);
    s->output = output;
    s->lost_before = lost - log_output_lost(output);
}

void
log_shipper_stop(struct log_shipper *s)
{
    watch_stop(&s->wake);
    timer_stop(&s->delay);
    timer_stop(&s->report);
    ship_rest(s);
}
