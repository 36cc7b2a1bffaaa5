/* SPDX-License-Identifier: MIT */
/*
 * As `diff -u` has it: changes with three lines around them, under a line that
 * says where they are.
 */
#include "board/page_diff.h"

#include <inttypes.h>

#include "base/diff.h"

enum {
    AROUND = 3,           /* lines that are shown around a change */
    SHOWN_MAX = 4000,     /* lines of a page */
    LINE_MAX_SHOWN = 2000 /* bytes of a line */
};

static void
put_line(struct page *p, const struct diff_line *line)
{
    static const char *const begins[] = {"<span> ", "<del>-", "<ins>+"};
    static const char *const ends[] = {"</span>", "</del>", "</ins>"};

    buf_str(p->out, str_from(begins[line->kind]));
    html_text(p->out, str_slice(line->text, 0, LINE_MAX_SHOWN));
    buf_str(p->out, str_from(ends[line->kind]));
}

/* The next line from I on that has changed, or the count. */
static size_t
next_change(const struct diff *d, size_t i)
{
    while (i < d->count && d->lines[i].kind == DIFF_SAME)
        i++;
    return i;
}

/* The end of the hunk whose first change is at I. */
static size_t
hunk_end(const struct diff *d, size_t i)
{
    size_t end = i;

    for (;;) {
        size_t next;

        while (end < d->count && d->lines[end].kind != DIFF_SAME)
            end++;
        next = next_change(d, end);
        if (next == d->count || next - end > (size_t)2 * AROUND)
            break;
        end = next;
    }
    return end + AROUND < d->count ? end + AROUND : d->count;
}

static void
hunk_head(struct page *p, const struct diff *d, size_t from, size_t to)
{
    unsigned old = 0, now = 0;

    for (size_t i = from; i < to; i++) {
        old += d->lines[i].kind != DIFF_IN;
        now += d->lines[i].kind != DIFF_OUT;
    }
    buf_printf(p->out, "<span class=h>@@ -%u,%u +%u,%u @@</span>",
               d->lines[from].old_number, old, d->lines[from].new_number, now);
}

/* All hunks, as long as there is room; was there? */
static bool
put_hunks(struct page *p, const struct diff *d)
{
    size_t shown = 0;

    for (size_t i = next_change(d, 0); i < d->count;) {
        size_t from = i > AROUND ? i - AROUND : 0;
        size_t to = hunk_end(d, i);

        hunk_head(p, d, from, to);
        for (i = from; i < to && shown < SHOWN_MAX; i++, shown++)
            put_line(p, &d->lines[i]);
        if (i < to)
            return false;
        i = next_change(d, to);
    }
    return true;
}

static bool
put_all(struct page *p, const struct diff *d)
{
    for (size_t i = 0; i < d->count && i < SHOWN_MAX; i++)
        put_line(p, &d->lines[i]);
    return d->count <= SHOWN_MAX;
}

static void
put_note(struct page *p, enum page_word word)
{
    HTML(p, "<p>");
    html_word(p, word);
    HTML(p, "</p>\n");
}

static void
put_summary(struct page *p, const struct page_diff *diff, const struct diff *d)
{
    HTML(p, "<p><code>");
    html_text(p->out, diff->before_hash);
    HTML(p, "</code> &rarr; <code>");
    html_text(p->out, diff->now_hash);
    HTML(p, "</code>, ");
    html_word(p, WORD_LINES_OUT);
    buf_printf(p->out, " %zu, ", d->out);
    html_word(p, WORD_LINES_IN);
    buf_printf(p->out, " %zu</p>\n", d->in);
}

static void
put_lines(struct page *p, bool hunks, const struct diff *d)
{
    bool whole;

    HTML(p, "<div class=\"t d\" id=x0 role=region tabindex=0 "
            "aria-labelledby=name>");
    whole = hunks ? put_hunks(p, d) : put_all(p, d);
    HTML(p, "</div>\n");
    if (!whole)
        put_note(p, WORD_DIFF_CUT);
}

void
page_diff(struct page *p, const struct page_diff *diff)
{
    struct diff d;

    HTML(p, "<h2 id=name>");
    html_word(p, WORD_DIFF);
    HTML(p, " ");
    html_text(p->out, diff->name);
    HTML(p, "</h2>\n");
    if (diff_init(&d, diff->has_before ? diff->before : diff->now, diff->now) <
        0) {
        p->out->failed = true;
        return;
    }
    if (diff->has_before)
        put_summary(p, diff, &d);
    else
        put_note(p, WORD_DIFF_ONE);
    if (diff->has_before && d.out + d.in == 0)
        put_note(p, WORD_DIFF_SAME);
    else
        put_lines(p, diff->has_before, &d);
    diff_fini(&d);
}
