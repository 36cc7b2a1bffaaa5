/* SPDX-License-Identifier: MIT */
/*
 * The program as a whole: its graphs, what has happened, its workers.
 */
#include "board/page_parts.h"

#include <inttypes.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/events.h"
#include "board/page_graph.h"
#include "board/slots.h"

enum {
    EVENTS_SHOWN = 6, /* the others are folded up */
};

/* --- graphs --------------------------------------------------------------- */

static void
put_tenths(struct page *p, uint32_t n, bool tenths)
{
    if (tenths)
        buf_printf(p->out, "%" PRIu32 ".%" PRIu32, n / 10, n % 10);
    else
        buf_uint(p->out, n);
}

static void
tile(struct page *p, const struct history_series *s, enum graph_of what,
     enum page_word word)
{
    bool tenths = what == GRAPH_REQUESTS || what == GRAPH_ERRORS;

    HTML(p, "<div class=c><h3>");
    html_word(p, word);
    HTML(p, "</h3><p><b>");
    put_tenths(p, graph_last(p, s, what), tenths);
    HTML(p, "</b> <span class=m>");
    html_word(p, WORD_MOST);
    HTML(p, " ");
    put_tenths(p, graph_most(p, s, what), tenths);
    HTML(p, "</span></p>");
    graph_draw(p, s, what, word, GRAPH_FINE);
    HTML(p, "</div>\n");
}

void
page_overview(struct page *p)
{
    const struct history_series *s = history_of(p->board, HISTORY_ALL, 0);

    HTML(p, "<h2>");
    html_word(p, WORD_OVERVIEW);
    HTML(p, "</h2>\n<div class=o>");
    tile(p, s, GRAPH_SESSIONS, WORD_SESSIONS);
    tile(p, s, GRAPH_REQUESTS, WORD_REQUESTS_S);
    tile(p, s, GRAPH_ERRORS, WORD_ERRORS_S);
    tile(p, s, GRAPH_QUEUE, WORD_QUEUE);
    HTML(p, "</div>\n");
}

/* --- events --------------------------------------------------------------- */

static void
event(struct page *p, const struct event_line *e)
{
    buf_printf(p->out, "<li class=e%d>", (int)e->kind);
    html_moment(p, e->wall_ms);
    HTML(p, " <span>");
    html_text(p->out, str_from(e->words));
    HTML(p, "</span>\n");
}

void
page_events(struct page *p)
{
    uint64_t last = events_last(p->board);
    struct event_line line;
    unsigned shown = 0;

    HTML(p, "<h2>");
    html_word(p, WORD_EVENTS);
    HTML(p, "</h2>\n");
    for (uint64_t i = 0; i < EVENTS_KEPT && i < last; i++) {
        if (!event_read(&line, p->board, last - i))
            continue;
        if (shown == 0)
            HTML(p, "<ol class=e>");
        if (shown == EVENTS_SHOWN) {
            HTML(p, "</ol><details id=d0><summary id=d1>");
            html_word(p, WORD_OLDER);
            HTML(p, "</summary><ol class=e>");
        }
        shown++;
        event(p, &line);
    }
    if (shown == 0) {
        HTML(p, "<p class=m>");
        html_word(p, WORD_NO_EVENTS);
        HTML(p, "</p>\n");
        return;
    }
    HTML(p, "</ol>");
    if (shown > EVENTS_SHOWN)
        HTML(p, "</details>");
    HTML(p, "\n");
}

/* --- workers -------------------------------------------------------------- */

static void
worker(struct page *p, unsigned w)
{
    const struct worker_row *row = &p->board->workers[w];
    struct section_totals sum;

    board_sum_worker(p->board, w, &sum);
    buf_printf(p->out, "<tr><th scope=row>%u", w);
    if (atomic_load(&row->pid) == 0) {
        HTML(p, "<td colspan=2><b class=\"b p3\">");
        html_word(p, WORD_NOT_RUNNING);
        HTML(p, "</b>");
    } else {
        html_cell(p, (uint64_t)atomic_load(&row->pid));
        HTML(p, "<td class=n>");
        html_duration(p, clock_seconds_since(atomic_load(&row->started_ms)));
    }
    html_cell(p, atomic_load(&row->restarts));
    html_cell(p, slot_held(p->board, w, board_global_slot()));
    html_cell(p, sum.connections);
    html_cell(p, sum.requests);
    html_cell_bytes(p, atomic_load(&row->heap_bytes));
    HTML(p, "\n");
}

void
page_workers(struct page *p)
{
    static const enum page_word words[] = {
        WORD_PROCESS,     WORD_STARTED,  WORD_RESTARTS, WORD_SESSIONS,
        WORD_CONNECTIONS, WORD_REQUESTS, WORD_HEAP,
    };

    HTML(p, "<h2>");
    html_word(p, WORD_WORKERS);
    HTML(p, "</h2>\n");
    html_table(p, "w", 0, WORD_WORKERS, str_make(NULL, 0));
    HTML(p, "<thead><tr><th scope=col>");
    html_word(p, WORD_WORKER);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        html_head(p, words[i]);
    HTML(p, "</thead>\n<tbody>");
    for (unsigned w = 0; w < board_worker_top(p->board); w++)
        worker(p, w);
    HTML(p, "</tbody>");
    html_table_end(p);
}
