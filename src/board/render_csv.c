/* SPDX-License-Identifier: MIT */
#include "board/render_csv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/history.h"
#include "board/server_line.h"
#include "board/server_lists.h"
#include "board/slots.h"
#include "board/state.h"

/* In HAProxy's order. */
/* clang-format off */
#define COLUMNS(X) \
    X(pxname) X(svname) X(qcur) X(qmax) X(scur) X(smax) X(slim) X(stot) \
    X(bin) X(bout) X(dreq) X(dresp) X(ereq) X(econ) X(eresp) X(wretr) \
    X(wredis) X(status) X(weight) X(act) X(bck) X(chkfail) X(chkdown) \
    X(lastchg) X(downtime) X(qlimit) X(pid) X(iid) X(sid) X(throttle) \
    X(lbtot) X(tracked) X(type) X(rate) X(rate_lim) X(rate_max) \
    X(check_status) X(check_code) X(check_duration) X(hrsp_1xx) \
    X(hrsp_2xx) X(hrsp_3xx) X(hrsp_4xx) X(hrsp_5xx) X(hrsp_other) \
    X(hanafail) X(req_rate) X(req_rate_max) X(req_tot) X(cli_abrt) \
    X(srv_abrt) X(comp_in) X(comp_out) X(comp_byp) X(comp_rsp) X(lastsess) \
    X(last_chk) X(last_agt) X(qtime) X(ctime) X(rtime) X(ttime) \
    X(agent_status) X(agent_code) X(agent_duration) X(check_desc) \
    X(agent_desc) X(check_rise) X(check_fall) X(check_health) \
    X(agent_rise) X(agent_fall) X(agent_health) X(addr) X(cookie) X(mode) \
    X(algo) X(conn_rate) X(conn_rate_max) X(conn_tot) X(intercepted) \
    X(dcon) X(dses) X(wrew) X(connect) X(reuse) X(cache_lookups) \
    X(cache_hits) X(srv_icur) X(src_ilim) X(qtime_max) X(ctime_max) \
    X(rtime_max) X(ttime_max) X(eint) X(idle_conn_cur) X(safe_conn_cur) \
    X(used_conn_cur) X(need_conn_est) X(uweight) X(agg_server_status) \
    X(agg_server_check_status) X(agg_check_status)
/* clang-format on */

#define COLUMN_NUMBER(name) COLUMN_##name,
#define COLUMN_NAME(name)   #name,

enum column {
    COLUMNS(COLUMN_NUMBER) COLUMN_COUNT, /* how many there are */
};

static const char *const names[] = {COLUMNS(COLUMN_NAME)};

enum {
    CELL_MAX = 160,    /* bytes of one */
    TYPE_FRONTEND = 0, /* as HAProxy numbers them */
    TYPE_BACKEND = 1,
    TYPE_SERVER = 2,
};

struct csv_row {
    char cells[COLUMN_COUNT][CELL_MAX];
};

/* --- a row ---------------------------------------------------------------- */

static void __attribute__((format(printf, 3, 4)))
set(struct csv_row *row, enum column column, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(row->cells[column], CELL_MAX, fmt, args);
    va_end(args);
    /* No quotes: HAProxy has none in these, and collectors expect none. */
    for (char *p = row->cells[column]; *p != '\0'; p++) {
        if (*p == ',' || *p == '"' || *p == '\n' || *p == '\r')
            *p = ' ';
    }
}

static void
set_uint(struct csv_row *row, enum column column, uint64_t n)
{
    set(row, column, "%" PRIu64, n);
}

static void
put_row(struct buf *out, const struct csv_row *row)
{
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        buf_str(out, str_from(row->cells[i]));
        buf_char(out, ',');
    }
    buf_char(out, '\n');
}

static void
put_names(struct buf *out)
{
    buf_str(out, STR("# "));
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        buf_printf(out, "%s,", names[i]);
    buf_char(out, '\n');
}

static void
begin(struct csv_row *row, struct str proxy, struct str name, int type,
      unsigned number)
{
    memset(row, 0, sizeof(*row));
    set(row, COLUMN_pxname, STR_FMT, STR_ARG(proxy));
    set(row, COLUMN_svname, STR_FMT, STR_ARG(name));
    set(row, COLUMN_type, "%d", type);
    set(row, COLUMN_pid, "1");
    set_uint(row, COLUMN_iid, number);
}

/* What history has of it: the most at once, and how many come in a second. In
 * an http section that is requests, which are not sessions. */
static void
set_history(struct csv_row *row, const struct board *b, enum history_kind kind,
            unsigned number, bool is_http)
{
    const struct history_series *series = history_of(b, kind, (int)number);

    if (series == NULL)
        return;
    set_uint(row, COLUMN_smax, atomic_load(&series->sessions_max));
    set_uint(row, is_http ? COLUMN_req_rate : COLUMN_rate,
             history_rate(b, series));
    set_uint(row, is_http ? COLUMN_req_rate_max : COLUMN_rate_max,
             atomic_load(&series->rate_max));
}

/* --- sections ------------------------------------------------------------- */

/* "http www" is the name of a row. */
static struct str
cut_kind(struct str text)
{
    ptrdiff_t blank = str_find_char(text, ' ', 0);

    return blank < 0 ? text : str_slice(text, (size_t)blank + 1, text.len);
}

static void
put_section(struct buf *out, const struct board *b, unsigned i)
{
    struct str name = row_text(&b->sections[i].name);
    struct section_totals sum;
    struct csv_row row;
    bool is_http;

    if (name.p == NULL)
        return;
    is_http = str_starts_with(name, STR("http "));
    board_sum_section(b, (int)i, &sum);
    begin(&row, cut_kind(name), STR("FRONTEND"), TYPE_FRONTEND, i + 1);
    set_uint(&row, COLUMN_scur, slot_count(b, board_section_slot(b, (int)i)));
    set(&row, COLUMN_slim, "%" PRId32,
        atomic_load(&b->sections[i].max_connections));
    set_uint(&row, COLUMN_stot, sum.connections);
    set_uint(&row, COLUMN_conn_tot, sum.connections);
    set_uint(&row, COLUMN_bin, sum.bytes_in);
    set_uint(&row, COLUMN_bout, sum.bytes_out);
    set_uint(&row, COLUMN_dreq, sum.denied);
    set_uint(&row, COLUMN_ereq, sum.errors);
    if (is_http)
        set_uint(&row, COLUMN_req_tot, sum.requests);
    set_history(&row, b, HISTORY_SECTION, i, is_http);
    set(&row, COLUMN_status, "OPEN");
    set(&row, COLUMN_mode, is_http ? "http" : "tcp");
    put_row(out, &row);
}

/* --- servers and upstreams ------------------------------------------------ */

/* What servers of an upstream have together. */
struct upstream_sum {
    struct server_totals totals;
    uint64_t sessions;
    uint64_t queued;
    unsigned active;
    unsigned backups;
    int32_t weight;
};

static void
set_totals(struct csv_row *row, const struct server_totals *t)
{
    set_uint(row, COLUMN_stot, t->requests);
    set_uint(row, COLUMN_lbtot, t->requests);
    set_uint(row, COLUMN_bin, t->bytes_in);
    set_uint(row, COLUMN_bout, t->bytes_out);
    set_uint(row, COLUMN_econ, t->connect_errors);
    set_uint(row, COLUMN_eresp, t->errors);
    set_uint(row, COLUMN_wretr, t->retries);
    set_uint(row, COLUMN_wredis, t->redispatches);
    set_uint(row, COLUMN_hrsp_1xx, t->responses_1xx);
    set_uint(row, COLUMN_hrsp_2xx, t->responses_2xx);
    set_uint(row, COLUMN_hrsp_3xx, t->responses_3xx);
    set_uint(row, COLUMN_hrsp_4xx, t->responses_4xx);
    set_uint(row, COLUMN_hrsp_5xx, t->responses_5xx);
    set_uint(row, COLUMN_hrsp_other, t->responses_other);
    set_uint(row, COLUMN_connect, t->connections);
}

static void
add(struct upstream_sum *sum, const struct server_line *line)
{
    uint64_t *to = (uint64_t *)(void *)&sum->totals;
    const uint64_t *from = (const uint64_t *)(const void *)&line->totals;

    for (size_t i = 0; i < sizeof(sum->totals) / sizeof(*to); i++)
        to[i] += from[i];
    sum->sessions += (uint64_t)line->view.active;
    sum->queued += (uint64_t)line->view.queued;
    if (!line->view.up || line->view.maint || line->view.draining)
        return;
    sum->weight += line->view.weight;
    if (line->view.backup)
        sum->backups++;
    else
        sum->active++;
}

/* HAProxy's words: "UP 1/3" is one that is about to go down. */
static void
set_status(struct csv_row *row, const struct server_line *line)
{
    switch (line->state) {
    case SERVER_STATE_UP:
        set(row, COLUMN_status, "UP");
        return;
    case SERVER_STATE_GOING_DOWN:
        set(row, COLUMN_status, "UP %" PRId32 "/%" PRId32,
            line->limit - line->count, line->limit);
        return;
    case SERVER_STATE_GOING_UP:
        set(row, COLUMN_status, "DOWN %" PRId32 "/%" PRId32, line->count,
            line->limit);
        return;
    case SERVER_STATE_DOWN:
        set(row, COLUMN_status, "DOWN");
        return;
    case SERVER_STATE_DRAIN:
        set(row, COLUMN_status, "DRAIN");
        return;
    case SERVER_STATE_MAINT:
        set(row, COLUMN_status, "MAINT");
        return;
    case SERVER_STATE_NO_CHECK:
    case SERVER_STATES:
        set(row, COLUMN_status, "no check");
        return;
    }
}

/* HAProxy's number for how far it is: 0 is down for good, RISE + FALL - 1 up
 * without a fault (management.txt, 9.1, check_health). */
static void
set_health(struct csv_row *row, const struct server_line *line)
{
    int32_t rise = atomic_load(&line->row->rise);
    int32_t fall = atomic_load(&line->row->fall);

    set(row, COLUMN_check_rise, "%" PRId32, rise);
    set(row, COLUMN_check_fall, "%" PRId32, fall);
    set(row, COLUMN_check_health, "%" PRId32,
        line->view.up ? rise + fall - 1 - line->view.fails
                      : atomic_load(&line->row->passes));
}

static void
set_check(struct csv_row *row, const struct board *b,
          const struct server_line *line, int i)
{
    const struct server_row *server = line->row;
    enum check_status status =
        (enum check_status)atomic_load(&server->check_status);
    char words[BOARD_WORDS_MAX + 1];

    set_status(row, line);
    set_uint(row, COLUMN_lastchg,
             clock_seconds_since(atomic_load(&server->since_ms)));
    set_uint(row, COLUMN_chkdown, atomic_load(&server->downs));
    set_uint(row, COLUMN_downtime, board_down_ms(b, i) / 1000);
    set_uint(row, COLUMN_hanafail, atomic_load(&server->failures));
    if (atomic_load(&server->fall) > 0)
        set_health(row, line);
    if (atomic_load(&server->checked_ms) == 0)
        return;
    set_uint(row, COLUMN_chkfail, atomic_load(&server->check_fails));
    set(row, COLUMN_check_status, "%s", check_status_code(status));
    set(row, COLUMN_check_desc, "%s", check_status_words(status));
    set_uint(row, COLUMN_check_duration, atomic_load(&server->check_us) / 1000);
    set(row, COLUMN_last_chk, "%s", board_check_words(b, i, words));
}

static void
put_server(struct buf *out, const struct board *b,
           const struct server_line *line, unsigned i)
{
    struct csv_row row;

    begin(&row, line->upstream, line->name, TYPE_SERVER, i + 1);
    set_uint(&row, COLUMN_sid, i + 1);
    set(&row, COLUMN_qcur, "%" PRId32, line->view.queued);
    set(&row, COLUMN_scur, "%" PRId32, line->view.active);
    if (line->view.maxconn > 0)
        set(&row, COLUMN_slim, "%" PRId32, line->view.maxconn);
    set(&row, COLUMN_weight, "%" PRId32, line->view.weight);
    set(&row, COLUMN_uweight, "%" PRId32, atomic_load(&line->row->weight));
    set(&row, COLUMN_act, line->view.backup ? "0" : "1");
    set(&row, COLUMN_bck, line->view.backup ? "1" : "0");
    set(&row, COLUMN_addr, "%s", line->row->address);
    set_totals(&row, &line->totals);
    set_check(&row, b, line, (int)i);
    set_history(&row, b, HISTORY_SERVER, i, false);
    set(&row, COLUMN_rtime, "%.0f", line->view.latency_ms);
    put_row(out, &row);
}

static void
put_upstream(struct buf *out, const struct board *b, unsigned number,
             const struct server_lists *lists)
{
    struct str name = row_text(&b->upstreams[number].name);
    struct upstream_sum sum = {.sessions = 0};
    struct server_line line;
    struct csv_row row;

    if (name.p == NULL)
        return;
    for (int i = lists->first[number]; i != SERVER_LISTS_END;
         i = lists->next[i]) {
        if (!server_line_read(&line, b, (unsigned)i))
            continue;
        put_server(out, b, &line, (unsigned)i);
        add(&sum, &line);
    }
    begin(&row, name, STR("BACKEND"), TYPE_BACKEND, number + 1);
    set_uint(&row, COLUMN_qcur,
             sum.queued + atomic_load(&b->queues[number].waiting));
    set_uint(&row, COLUMN_qmax, atomic_load(&b->queues[number].most));
    set_uint(&row, COLUMN_scur, sum.sessions);
    set_uint(&row, COLUMN_act, sum.active);
    set_uint(&row, COLUMN_bck, sum.backups);
    set(&row, COLUMN_weight, "%" PRId32, sum.weight);
    set(&row, COLUMN_status, sum.active + sum.backups > 0 ? "UP" : "DOWN");
    set_totals(&row, &sum.totals);
    set_history(&row, b, HISTORY_UPSTREAM, number, false);
    put_row(out, &row);
}

void
render_csv(struct buf *out, const struct board *b)
{
    struct server_lists lists;

    put_names(out);
    for (unsigned i = 0; i < b->header->limits.sections; i++)
        put_section(out, b, i);
    if (server_lists_init(&lists, b) < 0)
        out->failed = true;
    for (unsigned i = 0; i < b->header->limits.upstreams && !out->failed; i++)
        put_upstream(out, b, i, &lists);
    server_lists_fini(&lists);
}
