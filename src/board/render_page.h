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

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "board/board.h"

enum page_language {
    PAGE_ENGLISH,
    PAGE_CHINESE,
};

/* How one client is shown the page. */
struct page_view {
    enum page_language language;
    bool admin;        /* it has forms */
    struct str token;  /* against forged requests, sent with each form */
    struct str uri;    /* of the page */
    struct str nonce;  /* of the style and the script; letters and digits */
    struct str user;   /* who logged in; empty: nobody */
    struct str notice; /* of what was done, above all; empty: none */
    bool notice_is_error;
};

/* Two versions of a script, whose texts are compared. */
struct page_diff {
    struct str name;
    struct str before; /* the text of the version before */
    struct str now;    /* of the one in use */
    struct str before_hash;
    struct str now_hash;
    bool has_before; /* else there is only one version, and its text is shown */
};

/* The language that a client wants by its Accept-Language: Chinese where it is
 * wanted more than English. */
enum page_language page_language_choose(struct str accept_language);

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
