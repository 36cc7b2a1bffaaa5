/* SPDX-License-Identifier: MIT */
/*
 * The words of a statement: what binds as a whole binds in whatever pieces it
 * comes (pieces may bind more), and every USE is found.
 *
 * The first byte is the length of a piece; its highest bit says whether there
 * may be several statements.
 */
#include "codec/mysql_words.h"

#include "fuzz.h"

static struct mysql_words
scan(const uint8_t *p, size_t n, size_t piece, bool several, bool bound)
{
    struct mysql_words words;

    memset(&words, 0, sizeof(words));
    words.bound = bound;
    mysql_words_begin(&words, several);
    for (size_t at = 0; at < n; at += piece) {
        size_t len = n - at < piece ? n - at : piece;
        uint8_t *copy = fuzz_copy(p + at, len);

        mysql_words_add(&words, copy, len);
        free(copy);
    }
    mysql_words_end(&words);
    return words;
}

void
fuzz_mysqlwords(const uint8_t *p, size_t n)
{
    struct mysql_words whole, cut;
    bool several;
    size_t piece;

    if (n < 1)
        return;
    several = (p[0] & 0x80) != 0;
    piece = (p[0] & 0x7f) + 1;
    p++, n--;
    whole = scan(p, n, n + 1, several, false);
    cut = scan(p, n, piece, several, false);
    /* A TEMPORARY that stands before CREATE binds only in the same piece. */
    FUZZ_CHECK(!whole.bound || cut.bound || whole.creating);
    FUZZ_CHECK(whole.uses == cut.uses);
    FUZZ_CHECK(!whole.uses || whole.bound);
    cut = scan(p, n, piece, several, true);
    FUZZ_CHECK(cut.bound && cut.uses == whole.uses);
}
