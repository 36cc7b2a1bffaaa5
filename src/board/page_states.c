/* SPDX-License-Identifier: MIT */
/*
 * How many servers are in which state, above all else: whoever looks at a phone
 * need not look through the tables. Each leads to the first server it counts.
 */
#include "board/page_parts.h"

#include "board/board.h"
#include "board/server_line.h"

/* What is worst stands first. */
static const enum server_state ORDER[SERVER_STATES] = {
    SERVER_STATE_DOWN,     SERVER_STATE_GOING_DOWN, SERVER_STATE_GOING_UP,
    SERVER_STATE_MAINT,    SERVER_STATE_DRAIN,      SERVER_STATE_UP,
    SERVER_STATE_NO_CHECK,
};

struct tally {
    unsigned count[SERVER_STATES];
    unsigned first[SERVER_STATES]; /* row */
};

static void
take_tally(struct tally *tally, const struct board *b)
{
    struct server_line line;

    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (server_line_read(&line, b, i) && tally->count[line.state]++ == 0)
            tally->first[line.state] = i;
    }
}

void
page_states(struct page *p)
{
    struct tally tally = {0};

    take_tally(&tally, p->board);
    HTML(p, "<p class=q><span class=m>");
    html_word(p, WORD_SERVERS);
    HTML(p, "</span>");
    for (unsigned i = 0; i < SERVER_STATES; i++) {
        enum server_state state = ORDER[i];

        if (tally.count[state] == 0)
            continue;
        buf_printf(p->out, " <a class=\"b p%d\" id=q%d href=\"#t%u\">%u ",
                   (int)state, (int)state, tally.first[state],
                   tally.count[state]);
        html_word(p, page_state_word(state));
        HTML(p, "</a>");
    }
    HTML(p, "</p>\n");
}
