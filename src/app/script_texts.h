/* SPDX-License-Identifier: MIT */
/*
 * The texts of the scripts in control, for the page that shows what a version
 * has changed: of each the one in use, and the one before it as far as this
 * process has seen it go.
 *
 *     STAGE ──▶ staged ──┬── COMMIT ──▶ before = now, now = staged
 *                        └── DROP ────▶ forgotten
 */
#ifndef APP_SCRIPT_TEXTS_H
#define APP_SCRIPT_TEXTS_H

#include <stdbool.h>

#include "base/str.h"
#include "script/bundles.h"

struct message;
struct page_diff;

struct script_texts {
    struct bundles now;
    struct bundles before;
    struct bundles staged;
};

/* Begins with the BUNDLES that this process was forked with, which it holds.
 * Without memory it has fewer. */
void script_texts_init(struct script_texts *t, const struct bundles *bundles);
void script_texts_fini(struct script_texts *t);

/* Notes what M, from the master, does to scripts; M stays as it is. */
void script_texts_message(struct script_texts *t, const struct message *m);

/* The texts of the script NAME, which live until the next message; false: there
 * is no such script. */
bool script_texts_find(struct page_diff *out, const struct script_texts *t,
                       struct str name);

#endif
