/* SPDX-License-Identifier: MIT */
/*
 * Graphs of the last quarter of an hour, as SVG in the page.
 */
#ifndef BOARD_PAGE_GRAPH_H
#define BOARD_PAGE_GRAPH_H

#include "board/history.h"
#include "board/page_html.h"

/* What of a series is drawn. */
enum graph_of {
    GRAPH_SESSIONS,
    GRAPH_REQUESTS,
    GRAPH_ERRORS,
    GRAPH_QUEUE,
};

enum {
    GRAPH_FINE = 1,  /* every sample shows */
    GRAPH_SMALL = 3, /* the highest of three */
};

/* Draws one, described by WORD and its figures, with STEP samples a point; S
 * may be NULL, and nothing is drawn. */
void graph_draw(struct page *p, const struct history_series *s,
                enum graph_of what, enum page_word word, unsigned step);

/* The newest number of a series, and its highest: of rates, times 10. */
uint32_t graph_last(const struct page *p, const struct history_series *s,
                    enum graph_of what);
uint32_t graph_most(const struct page *p, const struct history_series *s,
                    enum graph_of what);

#endif
