/* SPDX-License-Identifier: MIT */
/*
 * Checks do not drift: each is due an interval after the last one was, however
 * late that came. One that outlasts its interval costs the next one, so that
 * servers do not fall into step; but where a server is on its way up or down,
 * there is no waiting.
 *
 * Live failures are counted by the workers, on the board; what is looked at
 * here is how much that count has grown.
 */
#include "proxy/health.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/window.h"
#include "board/addresses.h"
#include "board/board.h"
#include "board/events.h"
#include "board/state.h"
#include "board/wake.h"
#include "net/loop.h"
#include "proxy/check.h"
#include "proxy/health_server.h"
#include "proxy/health_weights.h"

/* Multiples of it, modulo 1, are spread evenly however many there are. */
static const double GOLDEN = 0.61803398874989485;

/* --- who is in service ---------------------------------------------------- */

static unsigned
count_in_service(const struct health_upstream *u)
{
    unsigned n = 0;

    for (unsigned i = 0; i < u->count; i++)
        n += board_in_service(u->health->board, u->servers[i].row);
    return n;
}

/* Says when the last server has left, or the first has come back. */
static void
note_service(struct health_upstream *u)
{
    unsigned before = u->in_service;

    u->in_service = count_in_service(u);
    if (before > 0 && u->in_service == 0) {
        log_error("upstream " STR_FMT " has no server in service",
                  STR_ARG(u->conf->name));
        event_note(u->health->board, EVENT_DOWN,
                   STR_FMT " has no server in service", STR_ARG(u->conf->name));
    } else if (before == 0 && u->in_service > 0) {
        log_info("upstream " STR_FMT " has a server in service again",
                 STR_ARG(u->conf->name));
        event_note(u->health->board, EVENT_UP,
                   STR_FMT " has a server in service again",
                   STR_ARG(u->conf->name));
    }
}

static bool
is_last(const struct health_server *s)
{
    return board_in_service(health_board(s), s->row) &&
           count_in_service(s->upstream) == 1;
}

/* --- states --------------------------------------------------------------- */

static void
plan(struct health_server *s, uint64_t due_ms)
{
    uint64_t now_ms = clock_ms();

    s->due_ms = due_ms > now_ms ? due_ms : now_ms;
    loop_start_timer(s->upstream->health->loop, &s->next, s->due_ms - now_ms);
}

static void
went_down(struct health_server *s, const char *why, unsigned fall)
{
    struct health_upstream *u = s->upstream;

    s->slow = false;
    board_set_up(health_board(s), s->row, false, str_from(why));
    log_warn("server %s is down: %s (%u of %u checks failed) up=%u/%u",
             health_name(s), why, s->state.fails, fall, count_in_service(u),
             u->count);
    event_note(health_board(s), EVENT_DOWN, "%s down: %s", health_name(s), why);
}

static void
came_up(struct health_server *s, const char *why)
{
    struct health_upstream *u = s->upstream;
    unsigned rise = health_check(s)->rise;

    health_start_slowly(s, 0);
    health_weigh(u); /* before it gets work */
    board_set_up(health_board(s), s->row, true, str_from(why));
    log_info("server %s is up: %s (%u of %u checks passed) up=%u/%u",
             health_name(s), why, rise, rise, count_in_service(u), u->count);
    event_note(health_board(s), EVENT_UP, "%s up: %s", health_name(s), why);
}

/* What every change of the board is followed by. */
static void
settle(struct health_server *s, bool changed)
{
    health_weigh(s->upstream);
    if (!changed)
        return;
    note_service(s->upstream);
    wake_workers(health_board(s));
}

static void
take_failure(struct health_server *s, const char *why, bool at_once)
{
    unsigned fall = health_state_fall(&s->state, health_check(s));
    bool was_up = s->state.up;
    bool down = health_state_fail(&s->state, health_check(s), at_once) ==
                HEALTH_WENT_DOWN;

    board_set_counts(health_board(s), s->row, (int32_t)s->state.fails, 0);
    if (down)
        went_down(s, why, fall);
    else if (was_up)
        log_info("server %s has failed a check: %s (%u of %u)", health_name(s),
                 why, s->state.fails, fall);
    settle(s, down);
}

static void
take_pass(struct health_server *s, const char *why)
{
    unsigned fails = s->state.fails;
    bool up = health_state_pass(&s->state, health_check(s)) == HEALTH_CAME_UP;

    board_set_counts(health_board(s), s->row, 0, (int32_t)s->state.passes);
    if (up)
        came_up(s, why);
    else if (!s->state.up)
        log_info("server %s has passed a check: %s (%u of %u)", health_name(s),
                 why, s->state.passes, health_check(s)->rise);
    else if (fails > 0)
        log_info("server %s passes its checks again: %s", health_name(s), why);
    settle(s, up);
}

/* --- checks --------------------------------------------------------------- */

/* Answers of any status that live traffic got. */
static uint64_t
count_answers(const struct health_server *s)
{
    struct server_totals sum;

    board_sum_server(health_board(s), s->row, &sum);
    return sum.responses_1xx + sum.responses_2xx + sum.responses_3xx +
           sum.responses_4xx + sum.responses_5xx + sum.responses_other;
}

/* php-fpm whose children are all at work takes no check, but is not down. */
static void
forgive_busy(struct health_server *s, struct check_verdict *verdict)
{
    if (health_check(s)->kind != CHECK_FASTCGI ||
        verdict->status != CHECK_STATUS_L7TOUT ||
        count_answers(s) == s->answers)
        return;
    verdict->status = CHECK_STATUS_BUSY;
    (void)snprintf(verdict->words, sizeof(verdict->words), "%s",
                   check_status_words(verdict->status));
}

static void
judge(struct health_server *s, const struct check_verdict *verdict)
{
    if (verdict->status == CHECK_STATUS_SOCKERR) {
        /* This machine's fault says nothing of the server. */
        log_warn("server %s cannot be checked: %s", health_name(s),
                 verdict->words);
    } else if (!check_status_is_pass(verdict->status)) {
        take_failure(s, verdict->words, verdict->at_once);
    } else if (verdict->status != CHECK_STATUS_BUSY || s->state.up) {
        s->share = verdict->share;
        take_pass(s, verdict->words);
    }
}

/* The next check after one that has ended. */
static void
plan_next(struct health_server *s)
{
    uint64_t interval_ms = health_state_interval(&s->state, health_check(s));
    uint64_t due_ms = s->due_ms + interval_ms;
    uint64_t now_ms = clock_ms();

    if (due_ms < now_ms && !health_state_is_moving(&s->state))
        due_ms += ((now_ms - due_ms) / interval_ms + 1) * interval_ms;
    plan(s, due_ms);
}

static void
on_verdict(struct checker *checker)
{
    struct health_server *s = checker->owner;
    struct check_verdict *verdict = &checker->verdict;

    if (checker->facts != NULL)
        greeting_note(health_board(s), s->row, checker->facts);
    forgive_busy(s, verdict);
    board_note_check(health_board(s), s->row, verdict->status,
                     str_from(verdict->words), verdict->took_us);
    log_debug("server %s: %s us=%" PRIu32, health_name(s), verdict->words,
              verdict->took_us);
    judge(s, verdict);
    plan_next(s);
}

/* A name may mean something else by now. */
static void
find_address(struct health_server *s)
{
    struct addr addrs[BOARD_ADDRS_MAX];
    int count = board_read_addresses(addrs, health_board(s), s->row);

    if (count > 0)
        s->checker.addr = addrs[0];
    else if (count == 0)
        s->checker.addr.len = 0;
}

static void
on_due(struct timer *timer)
{
    struct health_server *s = container_of(timer, struct health_server, next);

    if (atomic_load(&health_board(s)->servers[s->row].admin) == SERVER_MAINT) {
        plan(s, s->due_ms + health_check(s)->fastinter_ms);
        return;
    }
    find_address(s);
    s->answers = count_answers(s);
    checker_start(&s->checker);
}

/* --- live failures -------------------------------------------------------- */

/* "10s", "1500ms" */
static const char *
format_ms(char *text, size_t size, uint32_t ms)
{
    bool whole = ms % 1000 == 0;

    (void)snprintf(text, size, "%" PRIu32 "%s", whole ? ms / 1000 : ms,
                   whole ? "s" : "ms");
    return text;
}

/* As many live failures as count for a failed check. */
static void
take_live_failures(struct health_server *s, uint64_t count)
{
    char why[BOARD_WORDS_MAX + 1];
    char span[16];

    if (is_last(s) &&
        s->state.fails + 1 >= health_state_fall(&s->state, health_check(s))) {
        if (!s->spared)
            log_warn("server %s stays in service for want of another: it "
                     "fails live traffic failures=%" PRIu64,
                     health_name(s), count);
        s->spared = true;
        return;
    }
    (void)snprintf(
        why, sizeof(why), "%" PRIu64 " live failures within %s", count,
        format_ms(span, sizeof(span), s->upstream->conf->observe.within_ms));
    window_clear(&s->window);
    take_failure(s, why, false);
    if (s->due_ms > clock_ms() && !s->checker.running)
        plan(s, s->due_ms < clock_ms() + health_check(s)->fastinter_ms
                    ? s->due_ms
                    : clock_ms() + health_check(s)->fastinter_ms);
}

static void
observe(struct health_server *s)
{
    const struct observe_conf *conf = &s->upstream->conf->observe;
    uint64_t failures = atomic_load(&health_board(s)->servers[s->row].failures);
    uint64_t count;

    count = window_sum(&s->window, clock_ms());
    if (count == 0)
        s->spared = false;
    if (failures == s->failures)
        return;
    window_add(&s->window, clock_ms(), failures - s->failures);
    count += failures - s->failures;
    s->failures = failures;
    /* A server that is down has only what was under way to fail. */
    if (s->state.up && count >= conf->errors)
        take_live_failures(s, count);
}

/* The administrator has brought it back. */
static void
look_at_admin(struct health_server *s)
{
    bool maint =
        atomic_load(&health_board(s)->servers[s->row].admin) == SERVER_MAINT;

    if (s->was_maint && !maint && health_is_up(s))
        health_start_slowly(s, 0);
    s->was_maint = maint;
}

static void
on_wake(struct watch *watch)
{
    struct health *h = container_of(watch, struct health, wake);
    uint64_t count;

    if (read(watch_fd(watch), &count, sizeof(count)) < 0)
        return;
    for (size_t i = 0; i < h->count; i++) {
        struct health_upstream *u = &h->upstreams[i];

        for (unsigned k = 0; k < u->count; k++) {
            look_at_admin(&u->servers[k]);
            if (u->servers[k].checked && u->conf->observe.errors > 0)
                observe(&u->servers[k]);
        }
        health_weigh(u);
        note_service(u);
    }
}

/* --- life ----------------------------------------------------------------- */

/* What is on the board is where a control process before this one has left off,
 * or new. */
static void
read_state(struct health_server *s)
{
    const struct server_row *row = &health_board(s)->servers[s->row];

    s->state = (struct health_state){
        .up = atomic_load(&row->up),
        .tried = atomic_load(&row->checked_ms) > 0,
        .fails = (unsigned)atomic_load(&row->fails),
        .passes = (unsigned)atomic_load(&row->passes),
    };
    s->was_maint = atomic_load(&row->admin) == SERVER_MAINT;
    s->failures = atomic_load(&row->failures);
}

/* N: its number among all servers. */
static int
start_server(struct health_server *s, struct health_upstream *u, unsigned n)
{
    const struct upstream_conf *conf = u->conf;
    struct health *h = u->health;
    double offset = fmod(n * GOLDEN, 1) * conf->check.interval_ms;

    s->upstream = u;
    s->share = 1;
    timer_init(&s->next, on_due);
    read_state(s);
    if (conf->check.kind == CHECK_OFF || s->conf->unchecked)
        return 0;
    if (checker_init(&s->checker, h->loop, conf, s->conf, on_verdict, s) < 0) {
        checker_fini(&s->checker);
        return -1;
    }
    s->checked = true;
    if (conf->observe.errors > 0)
        window_init(&s->window, conf->observe.within_ms);
    board_set_check(h->board, s->row, (int32_t)conf->check.rise,
                    (int32_t)conf->check.fall);
    plan(s, clock_ms() + (uint64_t)offset);
    return 0;
}

static int
start_upstream(struct health_upstream *u, struct health *h,
               const struct upstream_conf *conf, unsigned first)
{
    int row = board_find_upstream(h->board, conf->name);

    u->health = h;
    u->conf = conf;
    u->servers = calloc(conf->server_count, sizeof(*u->servers));
    u->weights = calloc(conf->server_count, sizeof(*u->weights));
    if (u->servers == NULL || u->weights == NULL)
        return -1;
    for (unsigned i = 0; i < conf->server_count; i++) {
        struct health_server *s = &u->servers[i];

        s->conf = &conf->servers[i];
        s->row = board_find_server(h->board, row, s->conf->name);
        if (start_server(s, u, first + i) < 0)
            return -1;
        u->count++;
    }
    health_resume_weights(u);
    u->in_service = count_in_service(u);
    return 0;
}

static int
start_upstreams(struct health *h, const struct config *config)
{
    unsigned n = 0;

    h->upstreams = calloc(config->upstream_count, sizeof(*h->upstreams));
    if (h->upstreams == NULL && config->upstream_count > 0)
        return -1;
    for (size_t i = 0; i < config->upstream_count; i++) {
        h->count++;
        if (start_upstream(&h->upstreams[i], h, &config->upstreams[i], n) < 0)
            return -1;
        n += h->upstreams[i].count;
    }
    return watch_start(&h->wake, h->loop, h->board->control_wake, on_wake);
}

static void
stop_upstream(struct health_upstream *u)
{
    for (unsigned i = 0; i < u->count; i++) {
        timer_stop(&u->servers[i].next);
        if (u->servers[i].checked)
            checker_fini(&u->servers[i].checker);
    }
    free(u->servers);
    free(u->weights);
}

static void
free_health(struct health *h)
{
    int saved = errno;

    timer_stop(&h->slow_tick);
    for (size_t i = 0; i < h->count; i++)
        stop_upstream(&h->upstreams[i]);
    free(h->upstreams);
    free(h);
    errno = saved;
}

struct health *
health_start(struct loop *loop, struct board *board,
             const struct config *config)
{
    struct health *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return NULL;
    h->loop = loop;
    h->board = board;
    health_init_weights(h);
    if (start_upstreams(h, config) == 0)
        return h;
    free_health(h);
    return NULL;
}

void
health_stop(struct health *h)
{
    if (h == NULL)
        return;
    watch_stop(&h->wake);
    free_health(h);
}
