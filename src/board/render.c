/* SPDX-License-Identifier: MIT */
/*
 * Rows to text and JSON. Both walk the same rows; a row is read once, so its
 * numbers belong together as well as they can while workers go on counting.
 */
#include "board/render.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/json.h"
#include "board/numbers.h"
#include "board/render_generations.h"
#include "board/render_usage.h"
#include "board/ring.h"
#include "board/server_line.h"
#include "board/slots.h"
#include "board/state.h"
#include "board/usage.h"

enum {
    NAME_WIDTH_MIN = 8, /* of a column of names */
    SINCE_MAX = 48,     /* bytes of a duration */
};

/* "3d 4h 5m 6s", from the first unit that is not 0. */
static void
put_duration(struct buf *out, uint64_t seconds)
{
    if (seconds >= 86400)
        buf_printf(out, "%" PRIu64 "d ", seconds / 86400);
    if (seconds >= 3600)
        buf_printf(out, "%" PRIu64 "h ", seconds / 3600 % 24);
    if (seconds >= 60)
        buf_printf(out, "%" PRIu64 "m ", seconds / 60 % 60);
    buf_printf(out, "%" PRIu64 "s", seconds % 60);
}

static bool
section_is_used(const struct board *b, unsigned i)
{
    return atomic_load_explicit(&b->sections[i].name.used,
                                memory_order_acquire);
}

/* Connections of clients that are open now. */
static uint32_t
open_connections(const struct board *b)
{
    return slot_count(b, board_global_slot());
}

static void
sum_all_workers(struct section_totals *out, const struct board *b)
{
    *out = (struct section_totals){0};
    for (unsigned w = 0; w < board_worker_top(b); w++) {
        struct section_totals one;

        board_sum_worker(b, w, &one);
        out->connections += one.connections;
        out->requests += one.requests;
    }
}

/* Before a target of the log, and by it. */
static uint64_t
log_lines_lost(const struct board *b)
{
    uint64_t sum = atomic_load(&b->header->log_lost);

    for (unsigned w = 0; w < board_worker_top(b); w++)
        sum += ring_dropped(board_ring(b, w));
    return sum;
}

static void
info_text(struct buf *out, const struct board *b)
{
    const struct board_header *header = b->header;
    const struct usage_table *u = b->usage;
    struct section_totals all;
    bool set;
    const char *level = render_log_level(b, &set);

    sum_all_workers(&all, b);
    buf_printf(out, "version      %s\npid          %" PRId32 "\nuptime       ",
               header->version, atomic_load(&u->processes[USAGE_MASTER].pid));
    put_duration(out, clock_seconds_since(header->started_ms));
    buf_printf(out, "\nlog level    %s%s\n", level,
               set ? ", set at run time" : "");
    buf_printf(
        out,
        "connections  %" PRIu32 " now, %" PRIu64 " in all, %" PRIu32
        " a second\n             most %" PRIu32 " at once, %" PRIu32
        " a second; limit %" PRIu32 "\n",
        open_connections(b), all.connections, atomic_load(&u->connections.now),
        atomic_load(&u->most_connections), atomic_load(&u->connections.most),
        atomic_load(&u->max_connections));
    buf_printf(out,
               "requests     %" PRIu64 " in all, %" PRIu32
               " a second, most %" PRIu32 "\ndescriptors  limit %" PRIu64
               "\nlog lines    %" PRIu64 " lost\n",
               all.requests, atomic_load(&u->requests.now),
               atomic_load(&u->requests.most), atomic_load(&u->max_descriptors),
               log_lines_lost(b));
}

static void
workers_text(struct buf *out, const struct board *b)
{
    buf_printf(out, "\n%-8s %8s %8s %8s %11s %11s %11s %12s\n", "worker", "pid",
               "restarts", "scripts", "now", "connections", "requests",
               "script heap");
    for (unsigned w = 0; w < board_worker_top(b); w++) {
        const struct worker_row *row = &b->workers[w];
        struct section_totals sum;

        if (numbers_is_vacant(b, w))
            continue;
        board_sum_worker(b, w, &sum);
        buf_printf(out,
                   "%-8u %8" PRId32 " %8" PRIu32 " %8" PRIu32 " %11" PRIu32
                   " %11" PRIu64 " %11" PRIu64 " %11" PRIu64 "k\n",
                   w, atomic_load(&row->pid), atomic_load(&row->restarts),
                   atomic_load(&row->script_generation),
                   slot_held(b, w, board_global_slot()), sum.connections,
                   sum.requests, atomic_load(&row->heap_bytes) / 1024);
    }
}

/* The width of a column that holds the names of these rows. */
static int
section_width(const struct board *b)
{
    int width = NAME_WIDTH_MIN;

    for (unsigned i = 0; i < b->header->limits.sections; i++) {
        if (section_is_used(b, i) && b->sections[i].name.len > width)
            width = b->sections[i].name.len;
    }
    return width;
}

static void
sections_text(struct buf *out, const struct board *b)
{
    int width = section_width(b);

    buf_printf(out, "\n%-*s %11s %11s %11s %11s %11s %14s %14s\n", width,
               "section", "now", "connections", "requests", "denied", "errors",
               "bytes in", "bytes out");
    for (unsigned i = 0; i < b->header->limits.sections; i++) {
        struct section_totals sum;

        if (!section_is_used(b, i))
            continue;
        board_sum_section(b, (int)i, &sum);
        buf_printf(out,
                   "%-*s %11" PRIu32 " %11" PRIu64 " %11" PRIu64 " %11" PRIu64
                   " %11" PRIu64 " %14" PRIu64 " %14" PRIu64 "\n",
                   width, b->sections[i].name.text,
                   slot_count(b, board_section_slot(b, (int)i)),
                   sum.connections, sum.requests, sum.denied, sum.errors,
                   sum.bytes_in, sum.bytes_out);
    }
}

static bool
upstream_is_used(const struct board *b, unsigned i)
{
    return atomic_load_explicit(&b->upstreams[i].name.used,
                                memory_order_acquire);
}

static int
upstream_width(const struct board *b)
{
    int width = NAME_WIDTH_MIN;

    for (unsigned i = 0; i < b->header->limits.upstreams; i++) {
        if (upstream_is_used(b, i) && b->upstreams[i].name.len > width)
            width = b->upstreams[i].name.len;
    }
    return width;
}

/* What an upstream's queue and those of its servers have come to. */
struct queue_line {
    uint64_t now;
    uint64_t most;
    uint64_t entered;
    uint64_t expired;
    uint64_t waited_ms;
    uint64_t longest_ms;
};

static void
add_queue(struct queue_line *out, const struct queue_row *queue)
{
    uint32_t most = atomic_load(&queue->most);
    uint32_t longest_ms = atomic_load(&queue->longest_ms);

    out->now += atomic_load(&queue->waiting);
    out->entered += atomic_load(&queue->entered);
    out->expired += atomic_load(&queue->expired);
    out->waited_ms += atomic_load(&queue->waited_ms);
    if (most > out->most)
        out->most = most;
    if (longest_ms > out->longest_ms)
        out->longest_ms = longest_ms;
}

static struct queue_line
read_queues(const struct board *b, unsigned upstream)
{
    unsigned upstreams = b->header->limits.upstreams;
    struct queue_line line = {0};

    add_queue(&line, &b->queues[upstream]);
    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (atomic_load(&b->servers[i].name.used) &&
            b->servers[i].upstream == (int32_t)upstream)
            add_queue(&line, &b->queues[upstreams + i]);
    }
    return line;
}

static uint64_t
average_ms(const struct queue_line *line)
{
    uint64_t left = line->entered > line->now ? line->entered - line->now : 0;

    return left == 0 ? 0 : line->waited_ms / left;
}

static void
queues_text(struct buf *out, const struct board *b)
{
    int width = upstream_width(b);

    buf_printf(out, "\n%-*s %8s %8s %11s %11s %10s %10s\n", width, "upstream",
               "queued", "most", "waited", "timed out", "average ms",
               "longest ms");
    for (unsigned i = 0; i < b->header->limits.upstreams; i++) {
        struct queue_line line;

        if (!upstream_is_used(b, i))
            continue;
        line = read_queues(b, i);
        buf_printf(out,
                   "%-*s %8" PRIu64 " %8" PRIu64 " %11" PRIu64 " %11" PRIu64
                   " %10" PRIu64 " %10" PRIu64 "\n",
                   width, b->upstreams[i].name.text, line.now, line.most,
                   line.entered, line.expired, average_ms(&line),
                   line.longest_ms);
    }
}

static void
queues_json(struct buf *out, const struct board *b)
{
    const char *comma = "";

    buf_str(out, STR(",\"upstreams\":["));
    for (unsigned i = 0; i < b->header->limits.upstreams; i++) {
        struct queue_line line;

        if (!upstream_is_used(b, i))
            continue;
        line = read_queues(b, i);
        buf_printf(out, "%s{\"upstream\":", comma);
        json_string(out, str_from(b->upstreams[i].name.text));
        buf_printf(out,
                   ",\"queued\":%" PRIu64 ",\"queued_most\":%" PRIu64
                   ",\"waited\":%" PRIu64 ",\"timed_out\":%" PRIu64
                   ",\"waited_ms\":%" PRIu64 ",\"longest_ms\":%" PRIu64 "}",
                   line.now, line.most, line.entered, line.expired,
                   line.waited_ms, line.longest_ms);
        comma = ",";
    }
    buf_char(out, ']');
}

static void
workers_json(struct buf *out, const struct board *b)
{
    const char *comma = "";

    buf_str(out, STR(",\"workers\":["));
    for (unsigned w = 0; w < board_worker_top(b); w++) {
        const struct worker_row *row = &b->workers[w];
        struct section_totals sum;

        if (numbers_is_vacant(b, w))
            continue;
        board_sum_worker(b, w, &sum);
        buf_printf(
            out,
            "%s{\"worker\":%u,\"pid\":%" PRId32 ",\"restarts\":%" PRIu32
            ",\"now\":%" PRIu32 ",\"heap_bytes\":%" PRIu64
            ",\"script_generation\":%" PRIu32,
            comma, w, atomic_load(&row->pid), atomic_load(&row->restarts),
            slot_held(b, w, board_global_slot()), atomic_load(&row->heap_bytes),
            atomic_load(&row->script_generation));
        json_totals(out, section_counter_infos, section_counter_count, &sum);
        buf_char(out, '}');
        comma = ",";
    }
    buf_char(out, ']');
}

static void
sections_json(struct buf *out, const struct board *b)
{
    const char *comma = "";

    buf_str(out, STR(",\"sections\":["));
    for (unsigned i = 0; i < b->header->limits.sections; i++) {
        struct section_totals sum;

        if (!section_is_used(b, i))
            continue;
        board_sum_section(b, (int)i, &sum);
        buf_printf(out, "%s{\"section\":", comma);
        json_string(out, str_from(b->sections[i].name.text));
        buf_printf(out, ",\"now\":%" PRIu32 ",\"max_connections\":%" PRId32,
                   slot_count(b, board_section_slot(b, (int)i)),
                   atomic_load(&b->sections[i].max_connections));
        json_totals(out, section_counter_infos, section_counter_count, &sum);
        buf_char(out, '}');
        comma = ",";
    }
    buf_char(out, ']');
}

static void
info_json(struct buf *out, const struct board *b)
{
    buf_str(out, STR("{\"version\":"));
    json_string(out, str_from(b->header->version));
    buf_printf(out,
               ",\"uptime_s\":%" PRIu64 ",\"now\":%" PRIu32
               ",\"log_lost\":%" PRIu64,
               clock_seconds_since(b->header->started_ms), open_connections(b),
               log_lines_lost(b));
    render_usage_json(out, b);
    render_processes_json(out, b);
    workers_json(out, b);
    sections_json(out, b);
    queues_json(out, b);
    generations_json(out, b);
    buf_str(out, STR("}\n"));
}

void
render_info(struct buf *out, const struct board *b, enum render_format format)
{
    switch (format) {
    case RENDER_TEXT:
        info_text(out, b);
        generations_text(out, b);
        render_processes_text(out, b);
        workers_text(out, b);
        sections_text(out, b);
        queues_text(out, b);
        break;
    case RENDER_JSON:
        info_json(out, b);
        break;
    }
}

/* The widths of the columns that hold text. */
struct server_widths {
    int upstream;
    int name;
    int address;
    int state;
};

static int
wider(int width, size_t len)
{
    return (int)len > width ? (int)len : width;
}

static struct server_widths
server_widths(const struct board *b)
{
    struct server_widths widths = {NAME_WIDTH_MIN, NAME_WIDTH_MIN,
                                   NAME_WIDTH_MIN, NAME_WIDTH_MIN};
    struct server_line line;
    char state[SERVER_LINE_STATE_MAX + 1];

    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (!server_line_read(&line, b, i))
            continue;
        widths.upstream = wider(widths.upstream, line.upstream.len);
        widths.name = wider(widths.name, line.name.len);
        widths.address = wider(widths.address, strlen(line.row->address));
        widths.state =
            wider(widths.state, strlen(server_line_state(state, &line)));
    }
    return widths;
}

/* Words that a server may have chosen, on one line. */
static void
put_plain(struct buf *out, const char *words)
{
    for (; *words != '\0'; words++)
        buf_char(out,
                 (unsigned char)*words < ' ' || *words == 0x7f ? '?' : *words);
}

/* "Layer7 check passed: 200 in 3ms" */
static void
check_text(struct buf *out, const struct board *b,
           const struct server_line *line, int row)
{
    char words[BOARD_WORDS_MAX + 1];

    if (atomic_load(&line->row->checked_ms) > 0) {
        buf_char(out, ' ');
        put_plain(out, board_check_words(b, row, words));
        buf_printf(out, " in %" PRIu32 "ms",
                   atomic_load(&line->row->check_us) / 1000);
    }
    buf_char(out, '\n');
}

static void
server_text(struct buf *out, const struct server_line *line,
            const struct server_widths *widths)
{
    const struct server_view *view = &line->view;
    const struct server_totals *sum = &line->totals;
    char state[SERVER_LINE_STATE_MAX + 1];
    char since[SINCE_MAX];
    struct buf since_buf;

    buf_init(&since_buf, since, sizeof(since));
    put_duration(&since_buf,
                 clock_seconds_since(atomic_load(&line->row->since_ms)));
    buf_printf(out, "%-*.*s %-*.*s %-*s %-*s %-6s %15.*s", widths->upstream,
               STR_ARG(line->upstream), widths->name, STR_ARG(line->name),
               widths->address, line->row->address, widths->state,
               server_line_state(state, line), server_line_role(line),
               STR_ARG(buf_text(&since_buf)));
    buf_printf(out,
               " %3" PRId32 "/%-3" PRId32 " %6" PRId32 " %6" PRId32 " %7" PRId32
               " %11" PRIu64 " %8" PRIu64 " %8" PRIu64 " %14" PRIu64
               " %14" PRIu64,
               view->weight, atomic_load(&line->row->weight), view->active,
               view->queued, view->maxconn, sum->requests, sum->errors,
               sum->retries, sum->bytes_in, sum->bytes_out);
}

static void
servers_text(struct buf *out, const struct board *b)
{
    struct server_widths widths = server_widths(b);
    struct server_line line;

    buf_printf(out,
               "%-*s %-*s %-*s %-*s %-6s %15s %7s %6s %6s %7s %11s %8s %8s %14s"
               " %14s %s\n",
               widths.upstream, "upstream", widths.name, "server",
               widths.address, "address", widths.state, "state", "role",
               "since", "weight", "active", "queued", "maxconn", "total",
               "errors", "retries", "bytes in", "bytes out", "last check");
    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (!server_line_read(&line, b, i))
            continue;
        server_text(out, &line, &widths);
        check_text(out, b, &line, (int)i);
    }
}

/* Those that its name means now; none while that is not known. */
static void
addresses_json(struct buf *out, const struct board *b, int row)
{
    struct addr addrs[BOARD_ADDRS_MAX];
    int count = board_read_addresses(addrs, b, row);
    char text[ADDR_TEXT_MAX];

    buf_str(out, STR(",\"addresses\":["));
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buf_char(out, ',');
        json_string(out, str_from(addr_format(&addrs[i], text, sizeof(text))));
    }
    buf_char(out, ']');
}

/* The last check, and why the server is up or down. */
static void
check_json(struct buf *out, const struct board *b,
           const struct server_line *line, int row)
{
    uint8_t status = atomic_load(&line->row->check_status);
    char words[BOARD_WORDS_MAX + 1];

    buf_str(out, STR(",\"reason\":"));
    json_string(out, str_from(board_reason(b, row, words)));
    buf_str(out, STR(",\"check\":"));
    json_string(out, str_from(board_check_words(b, row, words)));
    buf_str(out, STR(",\"check_status\":"));
    json_string(out, str_from(check_status_code((enum check_status)status)));
    buf_printf(out,
               ",\"check_ms\":%" PRIu32 ",\"failures\":%" PRIu64
               ",\"weight_now\":%" PRId32 ",\"latency_ms\":%.1f",
               atomic_load(&line->row->check_us) / 1000,
               atomic_load(&line->row->failures), line->view.weight,
               line->view.latency_ms);
}

static void
server_json(struct buf *out, const struct board *b,
            const struct server_line *line, int row)
{
    const struct server_view *view = &line->view;
    char state[SERVER_LINE_STATE_MAX + 1];

    buf_str(out, STR("{\"upstream\":"));
    json_string(out, line->upstream);
    buf_str(out, STR(",\"server\":"));
    json_string(out, line->name);
    buf_str(out, STR(",\"address\":"));
    json_string(out, str_from(line->row->address));
    buf_str(out, STR(",\"state\":"));
    json_string(out, str_from(server_line_state(state, line)));
    buf_printf(
        out, ",\"up\":%s,\"since_s\":%" PRIu64 ",\"backup\":%s,\"chosen\":%s",
        view->up ? "true" : "false",
        clock_seconds_since(atomic_load(&line->row->since_ms)),
        view->backup ? "true" : "false", line->chosen ? "true" : "false");
    check_json(out, b, line, row);
    buf_printf(out,
               ",\"weight\":%" PRId32 ",\"active\":%" PRId32
               ",\"queued\":%" PRId32 ",\"maxconn\":%" PRId32
               ",\"fails\":%" PRId32,
               atomic_load(&line->row->weight), view->active, view->queued,
               view->maxconn, view->fails);
    buf_printf(out,
               ",\"checks_failed\":%" PRIu64 ",\"downs\":%" PRIu32
               ",\"down_s\":%" PRIu64,
               atomic_load(&line->row->check_fails),
               atomic_load(&line->row->downs), board_down_ms(b, row) / 1000);
    json_totals(out, server_counter_infos, server_counter_count, &line->totals);
    addresses_json(out, b, row);
    buf_char(out, '}');
}

static void
servers_json(struct buf *out, const struct board *b)
{
    const char *comma = "";
    struct server_line line;

    buf_char(out, '[');
    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (!server_line_read(&line, b, i))
            continue;
        buf_str(out, str_from(comma));
        server_json(out, b, &line, (int)i);
        comma = ",";
    }
    buf_str(out, STR("]\n"));
}

void
render_servers(struct buf *out, const struct board *b,
               enum render_format format)
{
    switch (format) {
    case RENDER_TEXT:
        servers_text(out, b);
        break;
    case RENDER_JSON:
        servers_json(out, b);
        break;
    }
}
