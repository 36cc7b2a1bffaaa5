/* SPDX-License-Identifier: MIT */
#include "board/history.h"

#include "base/clock.h"
#include "base/hash.h"
#include "board/board.h"
#include "board/queue.h"
#include "board/slots.h"

enum {
    LATE_STEPS = 10, /* after which a rate is none of one second */
};

static struct history_series *
find(const struct board *b, enum history_kind kind, unsigned row)
{
    const struct board_limits *n = &b->header->limits;

    switch (kind) {
    case HISTORY_ALL:
        return b->history_series;
    case HISTORY_SECTION:
        return b->history_series + 1 + row;
    case HISTORY_UPSTREAM:
        return b->history_series + 1 + n->sections + row;
    case HISTORY_SERVER:
        return row < history_servers(n)
                   ? b->history_series + 1 + n->sections + n->upstreams + row
                   : NULL;
    }
    return NULL;
}

const struct history_series *
history_of(const struct board *b, enum history_kind kind, int row)
{
    return find(b, kind, (unsigned)row);
}

/* --- taking samples ------------------------------------------------------- */

/* One turn of control: how much time has gone by, and whether a sample is
 * due. */
struct turn {
    uint64_t step_ms;   /* since the last step; 0: that was long ago */
    uint64_t sample_ms; /* since the last sample, if one is due now; else 0 */
    uint64_t number;    /* of the sample */
};

/* What came in SPAN_MS, a second, times 10. */
static uint32_t
rate(uint64_t now, uint64_t before, uint64_t span_ms)
{
    uint64_t more = now > before ? now - before : 0;

    return (uint32_t)((more * 10000 + span_ms / 2) / span_ms);
}

static void
raise_to(_Atomic uint32_t *max, uint32_t n)
{
    if (n > atomic_load_explicit(max, memory_order_relaxed))
        atomic_store_explicit(max, n, memory_order_relaxed);
}

/* The row has another name than before: what is there is not its own. */
static void
begin(struct history_series *s, uint64_t name_hash,
      const struct history_now *now, uint64_t number)
{
    s->name_hash = name_hash;
    atomic_store(&s->first, number);
    s->step = now->mark;
    s->sample = now->mark;
    atomic_store(&s->sessions_max, 0);
    atomic_store(&s->rate_max, 0);
}

static void
take(struct history_series *s, const struct turn *t,
     const struct history_now *now)
{
    struct history_sample *sample = &s->samples[t->number % HISTORY_KEPT];

    atomic_store(&sample->sessions, now->sessions);
    atomic_store(&sample->queue, now->queue);
    atomic_store(&sample->requests,
                 rate(now->mark.requests, s->sample.requests, t->sample_ms));
    atomic_store(&sample->errors,
                 rate(now->mark.errors, s->sample.errors, t->sample_ms));
    s->sample = now->mark;
}

static void
note(struct history_series *s, const struct turn *t, struct str name,
     const struct history_now *now)
{
    uint64_t name_hash = (uint64_t)1 << 32 | hash_murmur(name.p, name.len, 0);

    if (s->name_hash != name_hash)
        begin(s, name_hash, now, t->number);
    raise_to(&s->sessions_max, now->sessions);
    if (t->step_ms > 0)
        raise_to(&s->rate_max,
                 (rate(now->mark.requests, s->step.requests, t->step_ms) + 5) /
                     10);
    s->step = now->mark;
    if (t->sample_ms > 0)
        take(s, t, now);
}

static void
note_sections(struct board *b, const struct turn *t)
{
    struct history_now all = {.sessions = slot_count(b, board_global_slot())};

    for (unsigned i = 0; i < b->header->limits.sections; i++) {
        struct str name = row_text(&b->sections[i].name);
        struct section_totals sum;
        struct history_now now = {0};

        if (name.p == NULL)
            continue;
        board_sum_section(b, (int)i, &sum);
        now.sessions = slot_count(b, board_section_slot(b, (int)i));
        now.mark = (struct history_mark){sum.requests, sum.errors};
        note(find(b, HISTORY_SECTION, i), t, name, &now);
        all.mark.requests += sum.requests;
        all.mark.errors += sum.errors;
    }
    all.queue = b->history->queue;
    note(find(b, HISTORY_ALL, 0), t, STR("all"), &all);
}

/* Rows that nobody uses are not touched, and so take no memory. */
static void
begin_upstreams(struct board *b)
{
    for (unsigned i = 0; i < b->header->limits.upstreams; i++) {
        if (row_text(&b->upstreams[i].name).p != NULL)
            find(b, HISTORY_UPSTREAM, i)->gathered = (struct history_now){
                .queue = queue_of_upstream(b, (int)i),
            };
    }
}

/* A request fails that a server answers wrongly, or that finds no server. */
static void
read_server(struct history_now *out, const struct board *b, unsigned row)
{
    struct server_totals sum;

    board_sum_server(b, (int)row, &sum);
    *out = (struct history_now){
        .sessions = slot_count(b, board_server_slot((int)row)),
        .queue = queue_of_server(b, (int)row),
        .mark = {sum.requests, sum.errors + sum.connect_errors},
    };
}

/* Each by itself, and with its upstream's others. */
static void
note_servers(struct board *b, const struct turn *t)
{
    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        struct history_series *series = find(b, HISTORY_SERVER, i);
        struct str name = row_text(&b->servers[i].name);
        struct history_now now;
        struct history_now *all;

        if (name.p == NULL)
            continue;
        read_server(&now, b, i);
        all = &find(b, HISTORY_UPSTREAM, (unsigned)b->servers[i].upstream)
                   ->gathered;
        all->sessions += now.sessions;
        all->queue += now.queue;
        all->mark.requests += now.mark.requests;
        all->mark.errors += now.mark.errors;
        if (series != NULL)
            note(series, t, name, &now);
    }
}

static void
note_upstreams(struct board *b, const struct turn *t)
{
    b->history->queue = 0;
    for (unsigned i = 0; i < b->header->limits.upstreams; i++) {
        struct history_series *series = find(b, HISTORY_UPSTREAM, i);
        struct str name = row_text(&b->upstreams[i].name);

        if (name.p == NULL)
            continue;
        note(series, t, name, &series->gathered);
        b->history->queue += series->gathered.queue;
    }
}

/* Where the clock of another start of the machine is lower, or control was away
 * for long, there is no span to speak of. */
static uint64_t
span_since(uint64_t then_ms, uint64_t max_ms)
{
    uint64_t now_ms = clock_ms();

    if (then_ms == 0 || now_ms <= then_ms || now_ms - then_ms > max_ms)
        return 0;
    return now_ms - then_ms;
}

void
history_step(struct board *b)
{
    struct history_table *table = b->history;
    struct turn t = {
        .step_ms = span_since(table->step_ms, HISTORY_STEP_MS * LATE_STEPS),
        .number = atomic_load(&table->count),
    };
    bool due = ++table->steps >= HISTORY_SAMPLE_STEPS;

    if (due) {
        t.sample_ms = span_since(table->sample_ms, UINT64_MAX);
        if (t.sample_ms == 0)
            t.sample_ms = HISTORY_STEP_MS * HISTORY_SAMPLE_STEPS;
        table->sample_ms = clock_ms();
        table->steps = 0;
    }
    begin_upstreams(b);
    note_servers(b, &t);
    note_upstreams(b, &t);
    note_sections(b, &t);
    table->step_ms = clock_ms();
    if (!due)
        return;
    atomic_store(&table->times[t.number % HISTORY_KEPT], clock_wall_ms());
    atomic_store_explicit(&table->count, t.number + 1, memory_order_release);
}

/* --- reading them --------------------------------------------------------- */

struct history_span
history_span(const struct board *b, const struct history_series *series)
{
    uint64_t count =
        atomic_load_explicit(&b->history->count, memory_order_acquire);
    uint64_t first = atomic_load(&series->first);
    struct history_span span = {.from = 0, .to = count};

    if (count >= HISTORY_KEPT)
        span.from = count - HISTORY_KEPT + 1;
    if (first > span.from)
        span.from = first < count ? first : count;
    return span;
}

uint32_t
history_rate(const struct board *b, const struct history_series *series)
{
    struct history_span span = history_span(b, series);
    const struct history_sample *last;

    if (span.from == span.to)
        return 0;
    last = &series->samples[(span.to - 1) % HISTORY_KEPT];
    return (atomic_load(&last->requests) + 5) / 10;
}
