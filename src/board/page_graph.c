/* SPDX-License-Identifier: MIT */
/*
 * One unit of the drawing's width is the time between two samples, the newest
 * at the right; its height is the highest number. Coordinates are relative and
 * runs of the same height are one word, so most graphs take few bytes.
 */
#include "board/page_graph.h"

#include <inttypes.h>

#include "base/clock.h"
#include "board/board.h"

enum {
    WIDTH = HISTORY_KEPT,
    HEIGHT = 30, /* of the line; the drawing is two units higher */
    SAMPLE_MS = HISTORY_STEP_MS * HISTORY_SAMPLE_STEPS,
};

static bool
is_rate(enum graph_of what)
{
    return what == GRAPH_REQUESTS || what == GRAPH_ERRORS;
}

static uint32_t
number_at(const struct history_series *s, uint64_t i, enum graph_of what)
{
    const struct history_sample *sample = &s->samples[i % HISTORY_KEPT];

    switch (what) {
    case GRAPH_SESSIONS:
        return atomic_load(&sample->sessions);
    case GRAPH_REQUESTS:
        return atomic_load(&sample->requests);
    case GRAPH_ERRORS:
        return atomic_load(&sample->errors);
    case GRAPH_QUEUE:
        return atomic_load(&sample->queue);
    }
    return 0;
}

uint32_t
graph_last(const struct page *p, const struct history_series *s,
           enum graph_of what)
{
    struct history_span span = history_span(p->board, s);

    return span.from == span.to ? 0 : number_at(s, span.to - 1, what);
}

uint32_t
graph_most(const struct page *p, const struct history_series *s,
           enum graph_of what)
{
    struct history_span span = history_span(p->board, s);
    uint32_t most = 0;

    for (uint64_t i = span.from; i < span.to; i++) {
        uint32_t n = number_at(s, i, what);

        if (n > most)
            most = n;
    }
    return most;
}

/* Where a sample stands: what control missed is a gap, which a straight line
 * bridges. */
static int
place_of(const struct board *b, uint64_t i)
{
    uint64_t at = atomic_load(&b->history->times[i % HISTORY_KEPT]);
    uint64_t age = clock_wall_ms() > at ? clock_wall_ms() - at : 0;
    uint64_t steps = age / SAMPLE_MS;

    return steps >= WIDTH ? 0 : WIDTH - (int)steps;
}

static int
height_of(uint32_t n, uint32_t most)
{
    int y = most == 0 ? 0 : (int)((uint64_t)n * HEIGHT / most);

    return n > 0 && y == 0 ? 1 : y; /* what there is shows */
}

/* The highest of STEP samples from I. */
static uint32_t
highest(const struct history_series *s, uint64_t i, uint64_t to,
        enum graph_of what, unsigned step)
{
    uint32_t most = 0;

    for (uint64_t k = i; k < to && k < i + step; k++) {
        uint32_t n = number_at(s, k, what);

        if (n > most)
            most = n;
    }
    return most;
}

/* From the bottom at the first sample to the bottom at the last. */
static void
draw_line(struct page *p, const struct history_series *s, enum graph_of what,
          uint32_t most, unsigned step)
{
    struct history_span span = history_span(p->board, s);
    int x = place_of(p->board, span.from);
    int y = 0, flat = 0;

    buf_printf(p->out, "M%d %d", x, HEIGHT + 1);
    for (uint64_t i = span.from; i < span.to; i += step) {
        int to_x = place_of(p->board, i);
        int to_y = height_of(highest(s, i, span.to, what, step), most);

        if (to_y == y) {
            flat += to_x - x;
        } else {
            if (flat != 0)
                buf_printf(p->out, "h%d", flat);
            buf_printf(p->out, "l%d%s%d", to_x - x, y < to_y ? "" : " ",
                       y - to_y);
            flat = 0;
        }
        x = to_x;
        y = to_y;
    }
    if (flat != 0)
        buf_printf(p->out, "h%d", flat);
    buf_printf(p->out, "V%d", HEIGHT + 1);
}

static void
put_number(struct page *p, uint32_t n, enum graph_of what)
{
    if (is_rate(what))
        buf_printf(p->out, "%" PRIu32 ".%" PRIu32, n / 10, n % 10);
    else
        buf_uint(p->out, n);
}

void
graph_draw(struct page *p, const struct history_series *s, enum graph_of what,
           enum page_word word, unsigned step)
{
    struct history_span span;
    uint32_t most;

    if (s == NULL)
        return;
    span = history_span(p->board, s);
    most = graph_most(p, s, what);
    buf_printf(p->out,
               "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=none role=img "
               "class=k%d aria-label=\"",
               WIDTH, HEIGHT + 2, (int)what);
    html_word(p, word);
    HTML(p, ": ");
    put_number(p, graph_last(p, s, what), what);
    HTML(p, ", ");
    html_word(p, WORD_MOST);
    HTML(p, " ");
    put_number(p, most, what);
    HTML(p, "\">");
    if (span.from < span.to) {
        HTML(p, "<path d=\"");
        draw_line(p, s, what, most, step);
        HTML(p, "\"/>");
    }
    HTML(p, "</svg>");
}
