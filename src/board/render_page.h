/* SPDX-License-Identifier: MIT */
/*
 * The statistics page: the board as HTML, in English or Chinese. Plain
 * functions from the board to bytes. Each makes a whole document that asks for
 * no other, and is complete without JavaScript.
 *
 * The forms of the page POST action, target, value and token to `uri`; the one
 * that render_confirm makes sends confirm=yes as well. The links of the scripts
 * are URI?script=NAME, percent-encoded.
 *
 * What is in the document needs this Content-Security-Policy: default-src
 * 'none'; style-src 'nonce-N'; script-src 'nonce-N'; connect-src 'self';
 * form-action 'self'; base-uri 'none'; frame-ancestors 'none'.
 */
#ifndef BOARD_RENDER_PAGE_H
#define BOARD_RENDER_PAGE_H

#include "base/buf.h"
#include "base/str.h"
#include "board/page_view.h"

struct board;

/* The page. `out->failed` says that memory ran out. */
void render_page(struct buf *out, const struct board *b,
                 const struct page_view *view);

/* What is going to be done, with a button that does it: ACTION (drain, ready,
 * maint, weight or rollback) on TARGET (UPSTREAM/SERVER, or a script's name)
 * with VALUE (a weight; else empty). They come from the client and need not be
 * checked before. */
void render_confirm(struct buf *out, const struct board *b,
                    const struct page_view *view, struct str action,
                    struct str target, struct str value);

/* What has changed in a script. */
void render_diff(struct buf *out, const struct board *b,
                 const struct page_view *view, const struct page_diff *diff);

#endif
