/* SPDX-License-Identifier: MIT */
#include "board/render_history.h"

#include <inttypes.h>
#include <stdbool.h>

#include "board/history.h"
#include "board/json.h"

static void
put_tenths(struct buf *out, uint32_t n)
{
    buf_uint(out, n / 10);
    if (n % 10 != 0)
        buf_printf(out, ".%" PRIu32, n % 10);
}

/* OFFSET: of the number in a sample; TENTHS: it is a rate. */
static void
numbers_json(struct buf *out, const struct board *b,
             const struct history_series *s, const char *name, size_t offset,
             bool tenths)
{
    struct history_span span = history_span(b, s);

    buf_printf(out, ",\"%s\":[", name);
    for (uint64_t i = span.from; i < span.to; i++) {
        const char *sample = (const char *)&s->samples[i % HISTORY_KEPT];
        uint32_t n = atomic_load((const _Atomic uint32_t *)(sample + offset));

        if (i > span.from)
            buf_char(out, ',');
        if (tenths)
            put_tenths(out, n);
        else
            buf_uint(out, n);
    }
    buf_char(out, ']');
}

static void
series_json(struct buf *out, const struct board *b, const char *kind,
            struct str name, const struct history_series *s)
{
    buf_printf(out, "%s{\"kind\":\"%s\",\"name\":", *kind == 'a' ? "" : ",",
               kind);
    json_string(out, name);
    buf_printf(out, ",\"sessions_max\":%" PRIu32 ",\"rate_max\":%" PRIu32,
               atomic_load(&s->sessions_max), atomic_load(&s->rate_max));
    numbers_json(out, b, s, "sessions",
                 offsetof(struct history_sample, sessions), false);
    numbers_json(out, b, s, "queue", offsetof(struct history_sample, queue),
                 false);
    numbers_json(out, b, s, "requests_per_s",
                 offsetof(struct history_sample, requests), true);
    numbers_json(out, b, s, "errors_per_s",
                 offsetof(struct history_sample, errors), true);
    buf_char(out, '}');
}

static void
rows_json(struct buf *out, const struct board *b)
{
    const struct board_limits *n = &b->header->limits;
    unsigned servers = history_servers(n);

    for (unsigned i = 0; i < n->sections; i++) {
        struct str name = row_text(&b->sections[i].name);

        if (name.p != NULL)
            series_json(out, b, "section", name,
                        history_of(b, HISTORY_SECTION, (int)i));
    }
    for (unsigned i = 0; i < n->upstreams; i++) {
        struct str name = row_text(&b->upstreams[i].name);

        if (name.p != NULL)
            series_json(out, b, "upstream", name,
                        history_of(b, HISTORY_UPSTREAM, (int)i));
    }
    for (unsigned i = 0; i < servers; i++) {
        struct str name = row_text(&b->servers[i].name);

        if (name.p != NULL)
            series_json(out, b, "server", name,
                        history_of(b, HISTORY_SERVER, (int)i));
    }
}

void
render_history_json(struct buf *out, const struct board *b)
{
    const struct history_series *all = history_of(b, HISTORY_ALL, 0);
    struct history_span span = history_span(b, all);

    buf_printf(out, "{\"interval_s\":%d,\"times_ms\":[",
               HISTORY_STEP_MS * HISTORY_SAMPLE_STEPS / 1000);
    for (uint64_t i = span.from; i < span.to; i++) {
        if (i > span.from)
            buf_char(out, ',');
        buf_uint(out, atomic_load(&b->history->times[i % HISTORY_KEPT]));
    }
    buf_str(out, STR("],\"series\":["));
    series_json(out, b, "all", STR("all"), all);
    rows_json(out, b);
    buf_str(out, STR("]}\n"));
}
