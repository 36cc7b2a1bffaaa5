/* SPDX-License-Identifier: MIT */
/*
 * A table for each upstream, a row for each of its servers, and their sum in
 * the last one. Servers are sorted to their upstreams once, by a list of rows
 * for each, so many upstreams cost no more than one.
 */
#include "board/page_parts.h"

#include <inttypes.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/page_graph.h"
#include "board/queue.h"
#include "board/server_lists.h"
#include "board/state.h"

/* What the last row of a table shows. */
struct sums {
    struct server_totals totals;
    uint64_t active;
    uint64_t maxconn;
    unsigned servers;
    unsigned in_service;
};

static void
put_heads(struct page *p, const enum page_word *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        html_head(p, words[i]);
}

static void
heading(struct page *p, unsigned upstream, struct str name)
{
    static const enum page_word words[] = {
        WORD_CURRENT, WORD_MAX,          WORD_CURRENT,    WORD_MAX,
        WORD_CURRENT, WORD_MAX,          WORD_LIMIT,      WORD_TOTAL,
        WORD_IN,      WORD_OUT,          WORD_CONNECTION, WORD_RESPONSE,
        WORD_RETRIES, WORD_REDISPATCHES,
    };

    html_table(p, "u", upstream, WORD_UPSTREAM, name);
    HTML(p, "<thead><tr>");
    html_head_whole(p, WORD_SERVER, false);
    html_head_whole(p, WORD_STATUS, false);
    html_head_whole(p, WORD_LAST_CHECK, false);
    html_head_whole(p, WORD_WEIGHT, true);
    html_head_whole(p, WORD_ROLE, false);
    html_head_group(p, WORD_QUEUE, 2);
    html_head_group(p, WORD_RATE, 2);
    html_head_group(p, WORD_SESSIONS, 4);
    html_head_group(p, WORD_BYTES, 2);
    html_head_group(p, WORD_ERRORS, 2);
    html_head_group(p, WORD_WARNINGS, 2);
    html_head_group(p, WORD_RESPONSES, 6);
    html_head_group(p, WORD_TIMES, 2);
    html_head_whole(p, WORD_GRAPH, false);
    HTML(p, "<tr>");
    put_heads(p, words, sizeof(words) / sizeof(*words));
    for (int i = 1; i <= 5; i++)
        buf_printf(p->out, "<th scope=col class=n>%dxx", i);
    html_head(p, WORD_OTHER);
    html_head(p, WORD_WAIT);
    html_head(p, WORD_LATENCY);
    HTML(p, "</thead>\n<tbody>");
}

/* --- a server ------------------------------------------------------------- */

/* The first button is what the return key presses: the weight's. */
static void
put_actions(struct page *p, const struct server_line *line, int row)
{
    static const struct {
        enum server_admin admin;
        char id;
        const char *action;
        enum page_word word;
    } actions[] = {
        {SERVER_READY, 'r', "ready", WORD_SET_READY},
        {SERVER_DRAIN, 'd', "drain", WORD_SET_DRAIN},
        {SERVER_MAINT, 'm', "maint", WORD_SET_MAINT},
    };
    uint8_t admin = atomic_load(&line->row->admin);

    buf_printf(p->out, "<details class=a id=a%d><summary id=y%d>", row, row);
    html_word(p, WORD_CHANGE);
    HTML(p, "<span class=v>: ");
    html_text(p->out, line->name);
    HTML(p, "</span></summary>");
    html_form(p, str_make(line->row->name.text, line->row->name.len));
    buf_printf(p->out,
               "<input id=i%d name=value inputmode=numeric size=3 "
               "value=%" PRId32 " aria-label=\"",
               row, atomic_load(&line->row->weight));
    html_word(p, WORD_WEIGHT);
    HTML(p, ": ");
    html_text(p->out, line->name);
    HTML(p, "\">");
    html_button(p, 'w', (unsigned)row, "weight", WORD_SET_WEIGHT);
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        if (actions[i].admin != admin)
            html_button(p, actions[i].id, (unsigned)row, actions[i].action,
                        actions[i].word);
    }
    HTML(p, "</form></details>");
}

/* "down for 3m 12s", and why. */
static void
put_state(struct page *p, const struct server_line *line, int row)
{
    char words[BOARD_WORDS_MAX + 1];

    buf_printf(p->out, "<td><b class=\"b p%d\">", (int)line->state);
    html_word(p, page_state_word(line->state));
    if (line->state == SERVER_STATE_GOING_DOWN ||
        line->state == SERVER_STATE_GOING_UP)
        buf_printf(p->out, " %" PRId32 "/%" PRId32, line->count, line->limit);
    HTML(p, "</b> <span class=m>");
    html_word(p, WORD_SINCE);
    HTML(p, " ");
    html_duration(p, clock_seconds_since(atomic_load(&line->row->since_ms)));
    HTML(p, "</span>");
    if (!line->view.up) {
        HTML(p, "<small>");
        html_text(p->out, str_from(board_reason(p->board, row, words)));
        HTML(p, "</small>");
    }
    if (p->view->admin)
        put_actions(p, line, row);
}

/* "L7OK in 3 ms, 2s ago", and its words. */
static void
put_check(struct page *p, const struct server_line *line, int row)
{
    enum check_status status =
        (enum check_status)atomic_load(&line->row->check_status);
    uint64_t at = atomic_load(&line->row->checked_ms);
    char words[BOARD_WORDS_MAX + 1];

    HTML(p, "<td>");
    if (at == 0) {
        HTML(p, "-");
        return;
    }
    buf_printf(p->out, "%s <span class=m>%.1f ms, ", check_status_code(status),
               (double)atomic_load(&line->row->check_us) / 1000);
    html_duration(p, clock_seconds_since(at));
    HTML(p, " ");
    html_word(p, WORD_AGO);
    HTML(p, "</span><small>");
    html_text(p->out, str_from(board_check_words(p->board, row, words)));
    HTML(p, "</small>");
}

static void
put_role(struct page *p, const struct server_line *line)
{
    HTML(p, "<td>");
    if (line->chosen)
        html_word(p, WORD_CHOSEN);
    else
        html_word(p, line->view.backup ? WORD_BACKUP : WORD_ACTIVE);
}

/* From the errors of connections to the responses of other classes. */
static void
put_counts(struct page *p, const struct server_totals *sum)
{
    html_cell(p, sum->requests);
    html_cell_bytes(p, sum->bytes_in);
    html_cell_bytes(p, sum->bytes_out);
    html_cell(p, sum->connect_errors);
    html_cell(p, sum->errors);
    html_cell(p, sum->retries);
    html_cell(p, sum->redispatches);
    html_cell(p, sum->responses_1xx);
    html_cell(p, sum->responses_2xx);
    html_cell(p, sum->responses_3xx);
    html_cell(p, sum->responses_4xx);
    html_cell(p, sum->responses_5xx);
    html_cell(p, sum->responses_other);
}

/* How long those who waited did so, on average. */
static void
put_wait(struct page *p, const struct server_totals *sum)
{
    if (sum->waited == 0)
        html_cell_none(p);
    else
        html_cell_tenths(p, (double)sum->waited_ms / (double)sum->waited);
}

static const struct queue_row *
queue_row_of(const struct board *b, int server)
{
    return &b->queues[b->header->limits.upstreams + (unsigned)server];
}

/* Rates and the most sessions are kept of the first servers only. */
static void
put_load(struct page *p, const struct server_line *line, int row,
         const struct history_series *s)
{
    html_cell(p, (uint64_t)line->view.queued);
    html_cell(p, atomic_load(&queue_row_of(p->board, row)->most));
    if (s == NULL) {
        html_cell_none(p);
        html_cell_none(p);
        html_cell(p, (uint64_t)line->view.active);
        html_cell_none(p);
    } else {
        html_cell(p, graph_last(p, s, GRAPH_REQUESTS) / 10);
        html_cell(p, atomic_load(&s->rate_max));
        html_cell(p, (uint64_t)line->view.active);
        html_cell(p, atomic_load(&s->sessions_max));
    }
    html_cell_limit(p, (uint64_t)line->view.maxconn);
}

static void
server(struct page *p, const struct server_line *line, int row)
{
    const struct history_series *s = history_of(p->board, HISTORY_SERVER, row);

    buf_printf(p->out, "<tr class=r%d id=t%d><th scope=row>", (int)line->state,
               row);
    html_text(p->out, line->name);
    HTML(p, "<small>");
    html_text(p->out, str_from(line->row->address));
    HTML(p, "</small>");
    put_state(p, line, row);
    put_check(p, line, row);
    buf_printf(p->out, "<td class=n>%" PRId32 "/%" PRId32, line->view.weight,
               atomic_load(&line->row->weight));
    put_role(p, line);
    put_load(p, line, row, s);
    put_counts(p, &line->totals);
    put_wait(p, &line->totals);
    if (line->view.latency_ms > 0)
        html_cell_tenths(p, line->view.latency_ms);
    else
        html_cell_none(p);
    HTML(p, "<td>");
    graph_draw(p, s, GRAPH_SESSIONS, WORD_SESSIONS, GRAPH_SMALL);
    HTML(p, "\n");
}

/* --- an upstream ---------------------------------------------------------- */

#define ADD(name, kind, sentence) sums->totals.name += line->totals.name;

static void
add(struct sums *sums, const struct page *p, const struct server_line *line,
    int row)
{
    SERVER_COUNTERS(ADD)
    sums->active += (uint64_t)line->view.active;
    sums->maxconn += (uint64_t)line->view.maxconn;
    sums->servers++;
    sums->in_service += board_in_service(p->board, row);
}

/* Those who wait for any of the servers are its own. */
static void
backend(struct page *p, unsigned upstream, const struct sums *sums)
{
    const struct history_series *s =
        history_of(p->board, HISTORY_UPSTREAM, (int)upstream);

    HTML(p, "</tbody><tfoot><tr><th scope=row>");
    html_word(p, WORD_ALL_SERVERS);
    buf_printf(p->out, "<td colspan=4>%u/%u ", sums->in_service, sums->servers);
    html_word(p, WORD_IN_SERVICE);
    html_cell(p, queue_of_upstream(p->board, (int)upstream));
    html_cell(p, atomic_load(&p->board->queues[upstream].most));
    html_cell(p, graph_last(p, s, GRAPH_REQUESTS) / 10);
    html_cell(p, atomic_load(&s->rate_max));
    html_cell(p, sums->active);
    html_cell(p, atomic_load(&s->sessions_max));
    html_cell_limit(p, sums->maxconn);
    put_counts(p, &sums->totals);
    put_wait(p, &sums->totals);
    html_cell_none(p);
    HTML(p, "<td>");
    graph_draw(p, s, GRAPH_SESSIONS, WORD_SESSIONS, GRAPH_SMALL);
    HTML(p, "</tfoot>");
    html_table_end(p);
}

/* Rows of servers, sorted to upstreams in their order. */
static void
upstream_table(struct page *p, unsigned upstream,
               const struct server_lists *lists)
{
    struct str name = row_text(&p->board->upstreams[upstream].name);
    struct server_line line;
    struct sums sums = {0};

    if (name.p == NULL)
        return;
    heading(p, upstream, name);
    for (int i = lists->first[upstream]; i != SERVER_LISTS_END;
         i = lists->next[i]) {
        if (!server_line_read(&line, p->board, (unsigned)i))
            continue;
        server(p, &line, i);
        add(&sums, p, &line, i);
    }
    backend(p, upstream, &sums);
}

void
page_upstreams(struct page *p)
{
    const struct board_limits *n = &p->board->header->limits;
    struct server_lists lists;

    HTML(p, "<h2>");
    html_word(p, WORD_UPSTREAMS);
    HTML(p, "</h2>\n");
    if (server_lists_init(&lists, p->board) < 0) {
        p->out->failed = true;
    } else {
        for (unsigned i = 0; i < n->upstreams; i++)
            upstream_table(p, i, &lists);
    }
    server_lists_fini(&lists);
}
