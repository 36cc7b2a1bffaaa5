/* SPDX-License-Identifier: MIT */
#include "board/page_parts.h"

#include <inttypes.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/script_counts.h"
#include "board/strikes.h"
#include "board/versions.h"

static void
heading(struct page *p)
{
    static const enum page_word words[] = {
        WORD_CALLS,   WORD_ERRORS,  WORD_FALLBACKS,
        WORD_TIME_50, WORD_TIME_99, WORD_TIME_MAX,
    };

    html_table(p, "l", 0, WORD_SCRIPTS, str_make(NULL, 0));
    HTML(p, "<thead><tr><th scope=col>");
    html_word(p, WORD_SCRIPT);
    HTML(p, "<th scope=col>");
    html_word(p, WORD_VERSION);
    HTML(p, "<th scope=col>");
    html_word(p, WORD_STATUS);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        html_head(p, words[i]);
    if (p->view->admin) {
        HTML(p, "<th scope=col>");
        html_word(p, WORD_ACTIONS);
    }
    HTML(p, "</thead>\n<tbody>");
}

/* Its hash, its age, and where to see what has changed. */
static void
put_version(struct page *p, unsigned row, struct str name,
            const struct script_version *version)
{
    HTML(p, "<td>");
    if (version->hash[0] != '\0') {
        HTML(p, "<code>");
        html_text(p->out, str_from(version->hash));
        HTML(p, "</code> <span class=m>");
        html_word(p, WORD_SINCE);
        HTML(p, " ");
        html_duration(p, clock_seconds_since(version->since_ms));
        HTML(p, "</span> ");
    }
    HTML(p, "<a href=\"");
    html_text(p->out, p->view->uri);
    HTML(p, "?script=");
    html_query(p->out, name);
    buf_printf(p->out, "\" id=v%u>", row);
    html_word(p, WORD_CHANGES);
    HTML(p, "<span class=v>: ");
    html_text(p->out, name);
    HTML(p, "</span></a>");
}

static void
put_state(struct page *p, const struct script_row *row,
          const struct script_version *version)
{
    enum strike_fault verdict = strikes_verdict(row);

    HTML(p, "<td>");
    if (verdict == STRIKE_NONE) {
        HTML(p, "<b class=\"b p0\">");
        html_word(p, WORD_IN_USE);
        HTML(p, "</b>");
    } else {
        HTML(p, "<b class=\"b p3\">");
        html_word(p, WORD_QUARANTINED);
        HTML(p, "</b> <span class=m>");
        html_word(p, WORD_SINCE);
        HTML(p, " ");
        html_duration(p, clock_seconds_since(atomic_load(&row->verdict_ms)));
        HTML(p, "</span><small>");
        html_text(p->out, str_from(strikes_words(verdict)));
        HTML(p, "</small>");
    }
    if (version->confirm_by_ms == 0)
        return;
    HTML(p, "<small>");
    html_word(p, WORD_UNCONFIRMED);
    HTML(p, " <code>");
    html_text(p->out, str_from(version->confirmed));
    HTML(p, "</code> (");
    html_duration(p, clock_seconds_until(version->confirm_by_ms));
    HTML(p, ")</small>");
}

static void
put_figures(struct page *p, int row)
{
    struct script_totals totals = {0};
    struct times_sum times = {0};

    script_counts_sum_all(p->board, row, &totals);
    for (unsigned hook = 0; hook < BOARD_HOOKS_MAX; hook++)
        script_counts_times(p->board, row, hook, &times);
    html_cell(p, totals.calls);
    html_cell(p, totals.errors);
    html_cell(p, totals.fallbacks);
    html_cell_time(p, times_quantile(&times, 0.5));
    html_cell_time(p, times_quantile(&times, 0.99));
    html_cell_time(p, times.max_ns);
}

static void
script(struct page *p, unsigned i, struct str name)
{
    const struct script_row *row = &p->board->scripts[i];
    struct script_version version;

    versions_get(&version, row);
    HTML(p, "<tr><th scope=row>");
    html_text(p->out, name);
    put_version(p, i, name, &version);
    put_state(p, row, &version);
    put_figures(p, (int)i);
    if (p->view->admin) {
        HTML(p, "<td class=f>");
        if (version.previous[0] != '\0') {
            html_form(p, name);
            html_button(p, 'b', i, "rollback", WORD_ROLLBACK);
            HTML(p, "</form>");
        }
    }
    HTML(p, "\n");
}

void
page_scripts(struct page *p)
{
    bool any = false;

    HTML(p, "<h2>");
    html_word(p, WORD_SCRIPTS);
    HTML(p, "</h2>\n");
    for (unsigned i = 0; i < p->board->header->limits.scripts; i++) {
        struct str name = row_text(&p->board->scripts[i].name);

        if (name.p == NULL)
            continue;
        if (!any)
            heading(p);
        any = true;
        script(p, i, name);
    }
    if (any) {
        HTML(p, "</tbody>");
        html_table_end(p);
    } else {
        HTML(p, "<p>");
        html_word(p, WORD_NO_SCRIPTS);
        HTML(p, "</p>\n");
    }
}
