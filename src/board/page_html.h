/* SPDX-License-Identifier: MIT */
/*
 * Parts of HTML texts: escaped text, cells of tables, numbers and times as
 * people read them. It is for the modules of the statistics page.
 */
#ifndef BOARD_PAGE_HTML_H
#define BOARD_PAGE_HTML_H

#include <stdint.h>

#include "base/buf.h"
#include "board/page_view.h"
#include "board/page_words.h"

struct page {
    struct buf *out;
    const struct board *board;
    const struct page_view *view;
};

/* A literal of HTML, as it is. */
#define HTML(page, literal) buf_str((page)->out, STR(literal))

/* Text from anywhere, for an element or a quoted attribute: what HTML would
 * take for its own is escaped, what is no UTF-8 or no character of XML becomes
 * a question mark. */
void html_text(struct buf *out, struct str text);

/* Text as a part of a URL's query, for a quoted attribute. */
void html_query(struct buf *out, struct str text);

void html_word(struct page *p, enum page_word word);

/* Cells with a number; html_cell_bytes: as 1.2k, 3.4M and so on. */
void html_cell(struct page *p, uint64_t n);
void html_cell_bytes(struct page *p, uint64_t n);

/* A limit: 0 is shown as a dash. */
void html_cell_limit(struct page *p, uint64_t n);

/* A number with one digit behind the point. */
void html_cell_tenths(struct page *p, double n);

/* A cell with nothing to say. */
void html_cell_none(struct page *p);

/* "3d 4h", "12s": two units at most. */
void html_duration(struct page *p, uint64_t seconds);

/* "850ns", "1.2us", "20.4ms"; a dash: nothing was timed. */
void html_cell_time(struct page *p, uint64_t ns);

/* <time> with the date and time of this moment, in the zone of the program. */
void html_moment(struct page *p, uint64_t wall_ms);

/* A table that scrolls inside a region of its own, with its caption, until
 * html_table_end; ID is the region's, with NUMBER behind it. The caption is
 * CAPTION, then TEXT; without that it is what the heading above says already,
 * and is not seen. */
void html_table(struct page *p, const char *id, unsigned number,
                enum page_word caption, struct str text);
void html_table_end(struct page *p);

/* Headings of columns: html_head_group spans COUNT columns, and html_head one
 * of them; html_head_whole one that has no group, so two rows. NUMERIC is what
 * stands to the right. */
void html_head_group(struct page *p, enum page_word word, unsigned count);
void html_head(struct page *p, enum page_word word);
void html_head_whole(struct page *p, enum page_word word, bool numeric);

/* A button of a form that sends action=ACTION; ID as html_table has it. */
void html_button(struct page *p, char id, unsigned number, const char *action,
                 enum page_word word);

/* The beginning of a form that posts to the page, about TARGET. */
void html_form(struct page *p, struct str target);

#endif
