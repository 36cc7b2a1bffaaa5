/* SPDX-License-Identifier: MIT */
/*
 * A script is written as a line, with what all of its hooks have come to, and
 * one more for each hook, or as an object that holds those of its hooks. Each
 * is read when it is written: calls meanwhile may show in a hook alone.
 */
#include "board/render_scripts.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/json.h"
#include "board/script_counts.h"
#include "board/strikes.h"
#include "board/versions.h"

enum {
    NAME_WIDTH_MIN = 8, /* of the column of names */
    TIME_MAX = 24,      /* bytes of a time as text */
};

/* What is counted, of a script or of one of its hooks. */
struct figures {
    struct script_totals totals;
    struct times_sum times;
};

/* What the lines about a script show. */
struct script_lines {
    int row;
    struct str name;
    enum strike_fault verdict;
    uint64_t verdict_seconds; /* since it is quarantined */
    struct figures all;
};

static void
read_hook(struct figures *out, const struct board *b, int row, unsigned hook)
{
    *out = (struct figures){0};
    script_counts_sum(b, row, hook, &out->totals);
    script_counts_times(b, row, hook, &out->times);
}

static bool
read_script(struct script_lines *out, const struct board *b, unsigned i)
{
    const struct script_row *row = &b->scripts[i];
    struct str name = row_text(&row->name);

    if (name.p == NULL)
        return false;
    *out = (struct script_lines){
        .row = (int)i,
        .name = name,
        .verdict = strikes_verdict(row),
        .verdict_seconds = clock_seconds_since(atomic_load(&row->verdict_ms)),
    };
    script_counts_sum_all(b, (int)i, &out->all.totals);
    for (unsigned hook = 0; hook < BOARD_HOOKS_MAX; hook++)
        script_counts_times(b, (int)i, hook, &out->all.times);
    return true;
}

/* --- as text -------------------------------------------------------------- */

/* "850ns", "1.2us", "20.4ms", "3.1s"; "-": nothing was timed. */
static const char *
format_time(char text[TIME_MAX], uint64_t ns)
{
    static const char *const units[] = {"us", "ms", "s"};
    double n = (double)ns / 1000;
    size_t unit = 0;

    if (ns == 0)
        return "-";
    if (ns < 1000) {
        (void)snprintf(text, TIME_MAX, "%" PRIu64 "ns", ns);
        return text;
    }
    for (; n >= 999.95 && unit < 2; unit++)
        n /= 1000;
    (void)snprintf(text, TIME_MAX, "%.1f%s", n, units[unit]);
    return text;
}

static void
put_time(struct buf *out, uint64_t ns)
{
    char text[TIME_MAX];

    buf_printf(out, "  %8s", format_time(text, ns));
}

static void
put_figures(struct buf *out, const struct figures *f)
{
    buf_printf(out, "  %12" PRIu64 "  %8" PRIu64 "  %9" PRIu64, f->totals.calls,
               f->totals.errors, f->totals.fallbacks);
    put_time(out, times_quantile(&f->times, 0.5));
    put_time(out, times_quantile(&f->times, 0.99));
    put_time(out, f->times.max_ns);
}

static int
name_width(const struct board *b)
{
    int width = NAME_WIDTH_MIN;

    for (unsigned i = 0; i < b->header->limits.scripts; i++) {
        struct str name = row_text(&b->scripts[i].name);

        if (name.len > (size_t)width)
            width = (int)name.len;
    }
    return width;
}

static void
script_text(struct buf *out, const struct board *b,
            const struct script_lines *script, int width)
{
    const struct script_row *row = &b->scripts[script->row];

    buf_printf(out, "%-*.*s", width, STR_ARG(script->name));
    put_figures(out, &script->all);
    versions_text(out, row);
    if (script->verdict == STRIKE_NONE)
        buf_str(out, STR("  in use"));
    else
        buf_printf(out, "  quarantined for %" PRIu64 "s: %s",
                   script->verdict_seconds, strikes_words(script->verdict));
    versions_state(out, row);
    buf_char(out, '\n');
}

static void
hooks_text(struct buf *out, const struct board *b, int row, int width)
{
    struct figures figures;

    for (unsigned hook = 0; hook < BOARD_HOOKS_MAX; hook++) {
        if (!script_counts_has(b, row, hook))
            continue;
        read_hook(&figures, b, row, hook);
        buf_printf(out, "  %-*s", width - 2, b->header->hook_names[hook]);
        put_figures(out, &figures);
        buf_char(out, '\n');
    }
}

static void
scripts_text(struct buf *out, const struct board *b)
{
    int width = name_width(b);
    struct script_lines script;

    buf_printf(out, "%-*s  %12s  %8s  %9s  %8s  %8s  %8s", width, "script",
               "calls", "errors", "fallbacks", "p50", "p99", "max");
    versions_heading(out);
    buf_str(out, STR("  state\n"));
    for (unsigned i = 0; i < b->header->limits.scripts; i++) {
        if (!read_script(&script, b, i))
            continue;
        script_text(out, b, &script, width);
        hooks_text(out, b, script.row, width);
    }
}

/* --- as JSON -------------------------------------------------------------- */

static void
figures_json(struct buf *out, const struct figures *f)
{
    json_totals(out, script_counter_infos, script_counter_count, &f->totals);
    buf_printf(out,
               ",\"p50_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64
               ",\"max_ns\":%" PRIu64,
               times_quantile(&f->times, 0.5), times_quantile(&f->times, 0.99),
               f->times.max_ns);
}

static void
hooks_json(struct buf *out, const struct board *b, int row)
{
    struct figures figures;
    const char *comma = "";

    buf_str(out, STR(",\"hooks\":["));
    for (unsigned hook = 0; hook < BOARD_HOOKS_MAX; hook++) {
        if (!script_counts_has(b, row, hook))
            continue;
        read_hook(&figures, b, row, hook);
        buf_printf(out, "%s{\"hook\":", comma);
        json_string(out, str_from(b->header->hook_names[hook]));
        figures_json(out, &figures);
        buf_char(out, '}');
        comma = ",";
    }
    buf_char(out, ']');
}

static void
script_json(struct buf *out, const struct board *b,
            const struct script_lines *script)
{
    buf_str(out, STR("{\"name\":"));
    json_string(out, script->name);
    figures_json(out, &script->all);
    buf_printf(out, ",\"quarantined\":%s,\"quarantined_seconds\":%" PRIu64,
               script->verdict == STRIKE_NONE ? "false" : "true",
               script->verdict_seconds);
    buf_str(out, STR(",\"reason\":"));
    json_string(out, str_from(strikes_words(script->verdict)));
    versions_json(out, &b->scripts[script->row]);
    hooks_json(out, b, script->row);
    buf_char(out, '}');
}

static void
scripts_json(struct buf *out, const struct board *b)
{
    struct script_lines script;
    const char *comma = "";

    buf_char(out, '[');
    for (unsigned i = 0; i < b->header->limits.scripts; i++) {
        if (!read_script(&script, b, i))
            continue;
        buf_str(out, str_from(comma));
        script_json(out, b, &script);
        comma = ",";
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
