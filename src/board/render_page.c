/* SPDX-License-Identifier: MIT */
/*
 * The frame of each document, and which parts stand in it. What the script
 * exchanges is the element "board"; a notice stands before it, and stays.
 */
#include "board/render_page.h"

#include <inttypes.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/page_diff.h"
#include "board/page_parts.h"

static void
begin(struct page *p, enum page_word title)
{
    HTML(p, "<!DOCTYPE html>\n<html lang=");
    html_word(p, WORD_LANG);
    HTML(p, "><head><meta charset=utf-8><meta name=viewport "
            "content=\"width=device-width,initial-scale=1\">"
            "<meta name=robots content=noindex><title>");
    html_word(p, title);
    HTML(p, " - Moongate</title>\n");
    page_style(p);
    HTML(p, "</head>\n<body><a class=s href=\"#main\">");
    html_word(p, WORD_SKIP);
    HTML(p, "</a>\n");
}

/* LIVE: the page refreshes itself, where there is JavaScript. */
static void
header(struct page *p, bool live)
{
    HTML(p, "<header><h1>Moongate<small>");
    html_text(p->out, str_from(p->board->header->version));
    HTML(p, "</small></h1>");
    if (p->view->user.len > 0) {
        HTML(p, "<p>");
        html_word(p, WORD_USER);
        HTML(p, " ");
        html_text(p->out, p->view->user);
        HTML(p, "</p>");
    }
    if (live) {
        HTML(p, "<p id=live role=status data-live=\"");
        html_word(p, WORD_LIVE);
        HTML(p, "\" data-lost=\"");
        html_word(p, WORD_LOST);
        HTML(p, "\">");
        html_word(p, WORD_STATIC);
        HTML(p, "</p>");
    }
    HTML(p, "</header>\n<main id=main tabindex=-1>\n");
}

static void
notice(struct page *p)
{
    if (p->view->notice.len == 0)
        return;
    if (p->view->notice_is_error)
        HTML(p, "<p class=\"z x\" role=alert>");
    else
        HTML(p, "<p class=z role=status>");
    html_text(p->out, p->view->notice);
    HTML(p, "</p>\n");
}

static void
put_link(struct page *p, const char *suffix, const char *name)
{
    HTML(p, "<a href=\"");
    html_text(p->out, p->view->uri);
    buf_printf(p->out, "%s\">%s</a>", suffix, name);
}

static void
back(struct page *p)
{
    HTML(p, "<a id=back href=\"");
    html_text(p->out, p->view->uri);
    HTML(p, "\">");
    html_word(p, WORD_NO);
    HTML(p, "</a>");
}

static void
end(struct page *p)
{
    HTML(p, "</main>\n</body></html>\n");
}

/* The page's own numbers end with its main part. */
static void
footer(struct page *p)
{
    HTML(p, "</main>\n<footer>");
    html_word(p, WORD_FORMATS);
    put_link(p, ";csv", "CSV");
    put_link(p, ".json", "JSON");
    HTML(p, "<a href=\"/metrics\">Prometheus</a></footer>\n");
    page_script(p);
    HTML(p, "</body></html>\n");
}

void
render_page(struct buf *out, const struct board *b,
            const struct page_view *view)
{
    struct page page = {.out = out, .board = b, .view = view};
    struct page *p = &page;

    begin(p, WORD_TITLE);
    header(p, true);
    notice(p);
    HTML(p, "<div id=board>\n<p class=m>");
    html_moment(p, clock_wall_ms());
    HTML(p, ", ");
    html_word(p, WORD_UPTIME);
    HTML(p, " ");
    html_duration(p, clock_seconds_since(b->header->started_ms));
    HTML(p, "</p>\n");
    page_states(p);
    page_overview(p);
    page_events(p);
    page_sections(p);
    page_upstreams(p);
    page_scripts(p);
    page_workers(p);
    HTML(p, "</div>\n");
    footer(p);
}

/* --- asking before it is done --------------------------------------------- */

struct action_words {
    struct str action;
    enum page_word word;
    bool has_value;
};

static const struct action_words *
find_action(struct str action)
{
    static const struct action_words actions[] = {
        {{"drain", 5}, WORD_DO_DRAIN, false},
        {{"ready", 5}, WORD_DO_READY, false},
        {{"maint", 5}, WORD_DO_MAINT, false},
        {{"weight", 6}, WORD_DO_WEIGHT, true},
        {{"rollback", 8}, WORD_DO_ROLLBACK, false},
    };

    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        if (str_equal(actions[i].action, action))
            return &actions[i];
    }
    return NULL;
}

static void
put_hidden(struct page *p, const char *name, struct str value)
{
    buf_printf(p->out, "<input type=hidden name=%s value=\"", name);
    html_text(p->out, value);
    HTML(p, "\">");
}

static void
put_question(struct page *p, const struct action_words *words,
             struct str target, struct str value)
{
    HTML(p, "<p>");
    html_word(p, words->word);
    HTML(p, " <strong id=target>");
    html_text(p->out, target);
    HTML(p, "</strong>");
    if (words->has_value) {
        HTML(p, ", <strong>");
        html_text(p->out, value);
        HTML(p, "</strong>");
    }
    HTML(p, "</p>\n<div class=y>");
    html_form(p, target);
    put_hidden(p, "action", words->action);
    put_hidden(p, "value", value);
    HTML(p, "<button id=yes name=confirm value=yes>");
    html_word(p, WORD_YES);
    HTML(p, "</button></form>");
    back(p);
    HTML(p, "</div>\n");
}

void
render_confirm(struct buf *out, const struct board *b,
               const struct page_view *view, struct str action,
               struct str target, struct str value)
{
    struct page page = {.out = out, .board = b, .view = view};
    struct page *p = &page;
    const struct action_words *words = find_action(action);

    begin(p, WORD_CONFIRM);
    header(p, false);
    notice(p);
    HTML(p, "<h2>");
    html_word(p, WORD_CONFIRM);
    HTML(p, "</h2>\n");
    if (words != NULL) {
        put_question(p, words, target, value);
    } else {
        HTML(p, "<p>");
        html_word(p, WORD_DO_UNKNOWN);
        HTML(p, "</p>\n<p>");
        back(p);
        HTML(p, "</p>\n");
    }
    end(p);
}

/* --- a script's changes --------------------------------------------------- */

void
render_diff(struct buf *out, const struct board *b,
            const struct page_view *view, const struct page_diff *diff)
{
    struct page page = {.out = out, .board = b, .view = view};
    struct page *p = &page;

    begin(p, WORD_DIFF);
    header(p, false);
    notice(p);
    page_diff(p, diff);
    HTML(p, "<p>");
    back(p);
    HTML(p, "</p>\n");
    end(p);
}
