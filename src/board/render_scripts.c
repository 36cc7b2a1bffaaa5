/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/json.h"
#include "board/render.h"
#include "board/strikes.h"
#include "board/versions.h"

enum {
    SCRIPT_WIDTH_MIN = 8, /* of the column of names */
};

/* What a line about a script shows. */
struct script_line {
    const struct script_row *row;
    struct str name;
    enum strike_fault verdict;
    uint64_t verdict_seconds; /* since it is quarantined */
    struct script_totals totals;
};

static bool
read_script(struct script_line *out, const struct board *b, unsigned i)
{
    const struct script_row *row = &b->scripts[i];
    uint64_t since = atomic_load(&row->verdict_ms);
    uint64_t now = clock_wall_ms();

    if (!atomic_load_explicit(&row->name.used, memory_order_acquire))
        return false;
    *out = (struct script_line){
        .row = row,
        .name = str_make(row->name.text, row->name.len),
        .verdict = strikes_verdict(row),
        .verdict_seconds = since > 0 && now > since ? (now - since) / 1000 : 0,
    };
    board_sum_script(b, (int)i, &out->totals);
    return true;
}

static int
name_width(const struct board *b)
{
    struct script_line line;
    size_t width = SCRIPT_WIDTH_MIN;

    for (unsigned i = 0; i < b->header->limits.scripts; i++) {
        if (read_script(&line, b, i) && line.name.len > width)
            width = line.name.len;
    }
    return (int)width;
}

static void
scripts_text(struct buf *out, const struct board *b)
{
    int width = name_width(b);
    struct script_line line;

    buf_printf(out, "%-*s  %12s  %8s  %9s", width, "script", "calls", "errors",
               "fallbacks");
    versions_heading(out);
    buf_str(out, STR("  state\n"));
    for (unsigned i = 0; i < b->header->limits.scripts; i++) {
        if (!read_script(&line, b, i))
            continue;
        buf_printf(out, "%-*.*s  %12" PRIu64 "  %8" PRIu64 "  %9" PRIu64, width,
                   STR_ARG(line.name), line.totals.calls, line.totals.errors,
                   line.totals.fallbacks);
        versions_text(out, line.row);
        if (line.verdict == STRIKE_NONE)
            buf_str(out, STR("  in use"));
        else
            buf_printf(out, "  quarantined for %" PRIu64 "s: %s",
                       line.verdict_seconds, strikes_words(line.verdict));
        versions_state(out, line.row);
        buf_char(out, '\n');
    }
}

static void
scripts_json(struct buf *out, const struct board *b)
{
    struct script_line line;
    bool first = true;

    buf_char(out, '[');
    for (unsigned i = 0; i < b->header->limits.scripts; i++) {
        if (!read_script(&line, b, i))
            continue;
        buf_str(out, first ? STR("{\"name\":") : STR(",{\"name\":"));
        first = false;
        json_string(out, line.name);
        json_totals(out, script_counter_infos, script_counter_count,
                    &line.totals);
        buf_printf(out, ",\"quarantined\":%s,\"quarantined_seconds\":%" PRIu64,
                   line.verdict == STRIKE_NONE ? "false" : "true",
                   line.verdict_seconds);
        buf_str(out, STR(",\"reason\":"));
        json_string(out, str_from(strikes_words(line.verdict)));
        versions_json(out, line.row);
        buf_char(out, '}');
    }
    buf_str(out, STR("]\n"));
}

void
render_scripts(struct buf *out, const struct board *b,
               enum render_format format)
{
    switch (format) {
    case RENDER_TEXT:
        scripts_text(out, b);
        break;
    case RENDER_JSON:
        scripts_json(out, b);
        break;
    }
}
