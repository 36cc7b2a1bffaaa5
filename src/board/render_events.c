/* SPDX-License-Identifier: MIT */
#include "board/render_events.h"

#include <inttypes.h>

#include "base/clock.h"
#include "board/events.h"
#include "board/json.h"

static void
event_text(struct buf *out, const struct event_line *e)
{
    buf_str(out, clock_haproxy_date_at(e->wall_ms));
    buf_printf(out, "  %-10s  %s\n", event_kind_word(e->kind), e->words);
}

static void
event_json(struct buf *out, const struct event_line *e)
{
    buf_printf(out,
               "{\"number\":%" PRIu64 ",\"time_ms\":%" PRIu64
               ",\"kind\":\"%s\",\"words\":",
               e->number, e->wall_ms, event_kind_word(e->kind));
    json_string(out, str_from(e->words));
    buf_char(out, '}');
}

void
render_events(struct buf *out, const struct board *b, enum render_format format)
{
    uint64_t last = events_last(b);
    const char *comma = "";
    struct event_line event;

    if (format == RENDER_JSON)
        buf_char(out, '[');
    for (uint64_t i = 0; i < EVENTS_KEPT && i < last; i++) {
        if (!event_read(&event, b, last - i))
            continue;
        if (format == RENDER_TEXT) {
            event_text(out, &event);
            continue;
        }
        buf_str(out, str_from(comma));
        event_json(out, &event);
        comma = ",";
    }
    if (format == RENDER_JSON)
        buf_str(out, STR("]\n"));
}
