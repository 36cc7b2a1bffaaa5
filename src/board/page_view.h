/* SPDX-License-Identifier: MIT */
/*
 * For whom the statistics page is made.
 */
#ifndef BOARD_PAGE_VIEW_H
#define BOARD_PAGE_VIEW_H

#include <stdbool.h>

#include "base/str.h"

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

#endif
