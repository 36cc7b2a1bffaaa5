/* SPDX-License-Identifier: MIT */
#include "board/page_parts.h"

#include "board/board.h"
#include "board/page_graph.h"
#include "board/slots.h"

static void
heading(struct page *p)
{
    html_table(p, "s", 0, WORD_LISTENERS, str_make(NULL, 0));
    HTML(p, "<thead><tr>");
    html_head_whole(p, WORD_SECTION, false);
    html_head_group(p, WORD_RATE, 2);
    html_head_group(p, WORD_SESSIONS, 4);
    html_head_whole(p, WORD_REQUESTS, true);
    html_head_group(p, WORD_BYTES, 2);
    html_head_whole(p, WORD_DENIED, true);
    html_head_whole(p, WORD_ERRORS, true);
    html_head_whole(p, WORD_GRAPH, false);
    HTML(p, "<tr>");
    html_head(p, WORD_CURRENT);
    html_head(p, WORD_MAX);
    html_head(p, WORD_CURRENT);
    html_head(p, WORD_MAX);
    html_head(p, WORD_LIMIT);
    html_head(p, WORD_TOTAL);
    html_head(p, WORD_IN);
    html_head(p, WORD_OUT);
    HTML(p, "</thead>\n<tbody>");
}

static void
section(struct page *p, unsigned row, struct str name)
{
    const struct board *b = p->board;
    const struct history_series *s = history_of(b, HISTORY_SECTION, (int)row);
    struct section_totals sum;

    board_sum_section(b, (int)row, &sum);
    HTML(p, "<tr><th scope=row>");
    html_text(p->out, name);
    if (b->sections[row].listens[0] != '\0') {
        HTML(p, "<small>");
        html_text(p->out, str_from(b->sections[row].listens));
        HTML(p, "</small>");
    }
    html_cell(p, graph_last(p, s, GRAPH_REQUESTS) / 10);
    html_cell(p, atomic_load(&s->rate_max));
    html_cell(p, slot_count(b, board_section_slot(b, (int)row)));
    html_cell(p, atomic_load(&s->sessions_max));
    html_cell_limit(p,
                    (uint64_t)atomic_load(&b->sections[row].max_connections));
    html_cell(p, sum.connections);
    html_cell(p, sum.requests);
    html_cell_bytes(p, sum.bytes_in);
    html_cell_bytes(p, sum.bytes_out);
    html_cell(p, sum.denied);
    html_cell(p, sum.errors);
    HTML(p, "<td>");
    graph_draw(p, s, GRAPH_SESSIONS, WORD_SESSIONS, GRAPH_SMALL);
    HTML(p, "\n");
}

void
page_sections(struct page *p)
{
    HTML(p, "<h2>");
    html_word(p, WORD_LISTENERS);
    HTML(p, "</h2>\n");
    heading(p);
    for (unsigned i = 0; i < p->board->header->limits.sections; i++) {
        struct str name = row_text(&p->board->sections[i].name);

        if (name.p != NULL)
            section(p, i, name);
    }
    HTML(p, "</tbody>");
    html_table_end(p);
}
