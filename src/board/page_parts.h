/* SPDX-License-Identifier: MIT */
/*
 * The parts of the statistics page, each a heading and what stands under it.
 */
#ifndef BOARD_PAGE_PARTS_H
#define BOARD_PAGE_PARTS_H

#include "board/page_html.h"

/* How many servers are up, down and so on. */
void page_states(struct page *p);

/* Graphs of the whole program. */
void page_overview(struct page *p);

/* What has happened. */
void page_events(struct page *p);

/* http, tcp and mysql sections: HAProxy's frontends. */
void page_sections(struct page *p);

/* Upstreams and their servers: HAProxy's backends. */
void page_upstreams(struct page *p);

void page_scripts(struct page *p);
void page_workers(struct page *p);

/* The style and the script of the page, in elements with the view's nonce. */
void page_style(struct page *p);
void page_script(struct page *p);

#endif
