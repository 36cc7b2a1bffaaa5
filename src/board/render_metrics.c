/* SPDX-License-Identifier: MIT */
#include "board/render_metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "board/board.h"
#include "board/dict.h"
#include "board/json.h"
#include "board/metric.h"
#include "board/metric_layout.h"

enum {
    NUMBER_MAX = 32, /* bytes of a number */
};

static const char *const kind_words[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

/* --- words ---------------------------------------------------------------- */

/* The fewest digits that mean the same number. */
static const char *
format_number(char text[NUMBER_MAX], double number)
{
    if (isnan(number))
        return "NaN";
    if (isinf(number))
        return number > 0 ? "+Inf" : "-Inf";
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, NUMBER_MAX, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    return text;
}

/* JSON has no word for what is no finite number. */
static const char *
format_json_number(char text[NUMBER_MAX], double number)
{
    return isfinite(number) ? format_number(text, number) : "null";
}

static void
add_escaped(struct buf *out, struct str s, bool quotes)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\n') {
            buf_str(out, STR("\\n"));
            continue;
        }
        if (s.p[i] == '\\' || (quotes && s.p[i] == '"'))
            buf_char(out, '\\');
        buf_char(out, s.p[i]);
    }
}

static struct str
text_str(const struct metric_text *text)
{
    return str_make(text->text, text->len);
}

/* --- as text -------------------------------------------------------------- */

static void
add_heading(struct buf *out, struct str name, struct str help, const char *kind)
{
    buf_printf(out, "# HELP " STR_FMT " ", STR_ARG(name));
    add_escaped(out, help, false);
    buf_printf(out, "\n# TYPE " STR_FMT " %s\n", STR_ARG(name), kind);
}

/* NAME SUFFIX {labels, le=LE} VALUE */
static void
add_sample(struct buf *out, const struct metric_family *family,
           const struct metric_series *series, const char *suffix,
           const char *le, double value)
{
    char text[NUMBER_MAX];
    const char *before = "{";

    buf_str(out, text_str(&family->name));
    buf_str(out, str_from(suffix));
    for (unsigned i = 0; i < family->label_count; i++) {
        buf_printf(out, "%s" STR_FMT "=\"", before,
                   STR_ARG(text_str(&family->labels[i])));
        add_escaped(out, text_str(&series->values[i]), true);
        buf_char(out, '"');
        before = ",";
    }
    if (le != NULL)
        buf_printf(out, "%sle=\"%s\"", before, le);
    if (le != NULL || family->label_count > 0)
        buf_char(out, '}');
    buf_printf(out, " %s\n", format_number(text, value));
}

/* What a bucket shows holds those of smaller bounds. */
static void
add_histogram(struct buf *out, const struct metric_table *t,
              const struct metric_family *family,
              const struct metric_series *series)
{
    char le[NUMBER_MAX];
    double count = 0;
    uint32_t cell = series->cell;

    for (unsigned i = 0; i < family->bound_count; i++) {
        count += metric_sum(t, cell++);
        add_sample(out, family, series, "_bucket",
                   format_number(le, family->bounds[i]), count);
    }
    count += metric_sum(t, cell++);
    add_sample(out, family, series, "_bucket", "+Inf", count);
    add_sample(out, family, series, "_sum", NULL, metric_sum(t, cell));
    add_sample(out, family, series, "_count", NULL, count);
}

static void
add_series(struct buf *out, const struct metric_table *t,
           const struct metric_series *series)
{
    const struct metric_family *family = &t->families[series->family];

    if (family->kind == METRIC_HISTOGRAM)
        add_histogram(out, t, family, series);
    else
        add_sample(out, family, series, "", NULL, metric_sum(t, series->cell));
}

/* Families without a series are left out, as clients of Prometheus do. */
static void
add_family(struct buf *out, const struct metric_table *t, uint32_t number)
{
    const struct metric_family *family = &t->families[number];
    uint32_t count = atomic_load(&t->series_count);
    bool headed = false;

    for (uint32_t i = 0; i < count; i++) {
        if (t->series[i].family != number)
            continue;
        if (!headed)
            add_heading(out, text_str(&family->name),
                        str_make(family->help, family->help_len),
                        kind_words[family->kind]);
        headed = true;
        add_series(out, t, &t->series[i]);
    }
}

/* --- what the program knows itself ---------------------------------------- */

static void
add_number(struct buf *out, const char *name, const char *help,
           const char *kind, uint64_t value)
{
    add_heading(out, str_from(name), str_from(help), kind);
    buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

/* One line for each dictionary: the number at OFFSET of its totals. */
static void
add_dicts(struct buf *out, const struct dict_table *t, const char *name,
          const char *kind, const char *help, size_t offset)
{
    struct dict_totals totals;

    if (!dict_read_totals(t, 0, &totals))
        return;
    add_heading(out, str_from(name), str_from(help), kind);
    for (int i = 0; i < DICT_COUNT_MAX && dict_read_totals(t, i, &totals);
         i++) {
        uint64_t n;

        memcpy(&n, (const char *)&totals + offset, sizeof(n));
        buf_printf(out, "%s{dictionary=\"" STR_FMT "\"} %" PRIu64 "\n", name,
                   STR_ARG(totals.name), n);
    }
}

static void
add_shared(struct buf *out, const struct dict_table *t)
{
    uint64_t used;
    uint64_t size;

    dict_read_memory(t, &used, &size);
    add_number(out, "moongate_shared_memory_bytes",
               "Memory for the entries of shared dictionaries.", "gauge", size);
    add_number(out, "moongate_shared_memory_used_bytes",
               "Memory that entries of shared dictionaries take.", "gauge",
               used);
    add_dicts(out, t, "moongate_shared_entries", "gauge",
              "Entries of a shared dictionary.",
              offsetof(struct dict_totals, entries));
    add_dicts(out, t, "moongate_shared_evicted_total", "counter",
              "Entries that had to make room for others.",
              offsetof(struct dict_totals, evicted));
    add_dicts(out, t, "moongate_shared_expired_total", "counter",
              "Entries that were looked for past their time.",
              offsetof(struct dict_totals, expired));
}

static void
render_text(struct buf *out, const struct board *b)
{
    if (b->metrics != NULL) {
        uint32_t count = atomic_load(&b->metrics->family_count);

        for (uint32_t i = 0; i < count; i++)
            add_family(out, b->metrics, i);
        add_number(out, "moongate_metric_dropped_total",
                   "Numbers that had no room for their series.", "counter",
                   atomic_load(&b->metrics->dropped));
    }
    if (b->dicts != NULL)
        add_shared(out, b->dicts);
}

/* --- as JSON -------------------------------------------------------------- */

static void
json_histogram(struct buf *out, const struct metric_table *t,
               const struct metric_family *family,
               const struct metric_series *series)
{
    char text[NUMBER_MAX];
    double count = 0;
    uint32_t cell = series->cell;

    buf_str(out, STR(",\"buckets\":["));
    for (unsigned i = 0; i < family->bound_count; i++) {
        count += metric_sum(t, cell++);
        buf_printf(out, "%s[%s,", i == 0 ? "" : ",",
                   format_json_number(text, family->bounds[i]));
        buf_printf(out, "%s]", format_json_number(text, count));
    }
    count += metric_sum(t, cell++);
    buf_printf(out, "],\"sum\":%s",
               format_json_number(text, metric_sum(t, cell)));
    buf_printf(out, ",\"count\":%s}", format_json_number(text, count));
}

static void
json_series(struct buf *out, const struct metric_table *t,
            const struct metric_series *series)
{
    const struct metric_family *family = &t->families[series->family];
    char text[NUMBER_MAX];

    buf_str(out, STR("{\"name\":"));
    json_string(out, text_str(&family->name));
    buf_printf(out, ",\"type\":\"%s\",\"labels\":{", kind_words[family->kind]);
    for (unsigned i = 0; i < family->label_count; i++) {
        if (i > 0)
            buf_char(out, ',');
        json_string(out, text_str(&family->labels[i]));
        buf_char(out, ':');
        json_string(out, text_str(&series->values[i]));
    }
    buf_char(out, '}');
    if (family->kind == METRIC_HISTOGRAM)
        json_histogram(out, t, family, series);
    else
        buf_printf(out, ",\"value\":%s}",
                   format_json_number(text, metric_sum(t, series->cell)));
}

static void
json_metrics(struct buf *out, const struct metric_table *t)
{
    uint32_t count = atomic_load(&t->series_count);

    buf_printf(out, "\"dropped\":%" PRIu64 ",\"metrics\":[",
               atomic_load(&t->dropped));
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(out, ',');
        json_series(out, t, &t->series[i]);
    }
    buf_str(out, STR("],"));
}

static void
json_dicts(struct buf *out, const struct dict_table *t)
{
    struct dict_totals totals;
    uint64_t used;
    uint64_t size;

    dict_read_memory(t, &used, &size);
    buf_printf(out, "\"bytes\":%" PRIu64 ",\"used\":%" PRIu64 ",\"shared\":[",
               size, used);
    for (int i = 0; i < DICT_COUNT_MAX && dict_read_totals(t, i, &totals);
         i++) {
        buf_str(out, i == 0 ? STR("{\"name\":") : STR(",{\"name\":"));
        json_string(out, totals.name);
        buf_printf(out,
                   ",\"entries\":%" PRIu64 ",\"evicted\":%" PRIu64
                   ",\"expired\":%" PRIu64 "}",
                   totals.entries, totals.evicted, totals.expired);
    }
    buf_char(out, ']');
}

static void
render_json(struct buf *out, const struct board *b)
{
    buf_char(out, '{');
    if (b->metrics != NULL)
        json_metrics(out, b->metrics);
    if (b->dicts != NULL)
        json_dicts(out, b->dicts);
    else
        buf_str(out, STR("\"shared\":[]"));
    buf_str(out, STR("}\n"));
}

void
render_metrics(struct buf *out, const struct board *b,
               enum render_format format)
{
    if (format == RENDER_JSON)
        render_json(out, b);
    else
        render_text(out, b);
}
