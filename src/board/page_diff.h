/* SPDX-License-Identifier: MIT */
/*
 * The part of a page that shows what has changed in a script.
 */
#ifndef BOARD_PAGE_DIFF_H
#define BOARD_PAGE_DIFF_H

#include "board/page_html.h"

void page_diff(struct page *p, const struct page_diff *diff);

#endif
