/* SPDX-License-Identifier: MIT */
/*
 *     moongate 0.1.0  pid 4242  up 3d 4h 5m 6s  log info
 *     connections 12 now, 3/s, most 40 of 65536  requests 812/s
 *     cpu master 0%  control 1%  worker[0] 37%  memory 61M
 *
 *     server     state  active queued maxconn weight   /s     total ...
 *     db/one     up          7      0      50      2  400     81920 ...
 *
 *     q quit  s sort (load)  arrows, pages: scroll  1-20 of 1000
 */
#include "app/top_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/json_scan.h"

enum {
    LINES_AROUND = 7, /* of a page that are no servers */
    NAME_WIDTH_MIN = 12,
    NAME_WIDTH_MAX = 32,
    LINE_MAX_BYTES = 512,
};

static const char *const order_words[TOP_ORDERS] = {
    [TOP_BY_LOAD] = "load",
    [TOP_BY_RATE] = "rate",
    [TOP_BY_ERRORS] = "errors",
    [TOP_BY_NAME] = "name",
};

/* --- reading -------------------------------------------------------------- */

static uint64_t
number(struct str object, const char *name)
{
    return json_scan_uint(json_scan_get(object, name));
}

static void
read_server(struct top_server *out, struct str row)
{
    char upstream[TOP_NAME_MAX / 2];
    char name[TOP_NAME_MAX / 2];

    *out = (struct top_server){
        .active = number(row, "active"),
        .queued = number(row, "queued"),
        .maxconn = number(row, "maxconn"),
        .weight = number(row, "weight_now"),
        .total = number(row, "requests"),
        .errors = number(row, "errors"),
        .bytes = number(row, "bytes_in") + number(row, "bytes_out"),
    };
    (void)snprintf(
        out->name, sizeof(out->name), "%s/%s",
        json_scan_text(upstream, sizeof(upstream),
                       json_scan_get(row, "upstream")),
        json_scan_text(name, sizeof(name), json_scan_get(row, "server")));
    json_scan_text(out->state, sizeof(out->state), json_scan_get(row, "state"));
}

static size_t
count_items(struct str array)
{
    struct str item;
    size_t count = 0;

    while (json_scan_next(&item, &array))
        count++;
    return count;
}

static int
compare_names(const void *a, const void *b)
{
    const struct top_server *one = a;
    const struct top_server *two = b;

    return strcmp(one->name, two->name);
}

static int
read_servers(struct top_page *page, struct str array)
{
    size_t count = count_items(array);
    struct str item;

    page->servers = calloc(count + 1, sizeof(*page->servers));
    if (page->servers == NULL)
        return -1;
    while (page->server_count < count && json_scan_next(&item, &array))
        read_server(&page->servers[page->server_count++], item);
    return 0;
}

static void
read_processes(struct top_page *page, struct str array)
{
    struct str item;

    while (page->process_count < TOP_PROCESSES_MAX &&
           json_scan_next(&item, &array)) {
        struct top_process *p = &page->processes[page->process_count++];

        *p = (struct top_process){
            .pid = number(item, "pid"),
            .cpu_ms = number(item, "cpu_ms"),
            .memory_bytes = number(item, "memory_bytes"),
        };
        json_scan_text(p->name, sizeof(p->name),
                       json_scan_get(item, "process"));
    }
}

/* --- by the second -------------------------------------------------------- */

/* A count that is lower than before began anew. */
static uint64_t
per_second(uint64_t now, uint64_t before, uint64_t ms)
{
    return now < before || ms == 0 ? 0 : ((now - before) * 1000 + ms / 2) / ms;
}

static void
rate_processes(struct top_page *page, const struct top_page *before,
               uint64_t ms)
{
    for (size_t i = 0; i < page->process_count && i < before->process_count;
         i++) {
        struct top_process *p = &page->processes[i];
        const struct top_process *old = &before->processes[i];

        if (p->pid == old->pid)
            p->percent =
                (unsigned)((per_second(p->cpu_ms, old->cpu_ms, ms) + 5) / 10);
    }
}

/* BEFORE may be sorted in any way: a copy of it is searched. */
static int
rate_servers(struct top_page *page, const struct top_page *before, uint64_t ms)
{
    size_t size = before->server_count * sizeof(*before->servers);
    struct top_server *sorted = malloc(size + 1);

    if (sorted == NULL)
        return -1;
    memcpy(sorted, before->servers, size);
    qsort(sorted, before->server_count, sizeof(*sorted), compare_names);
    for (size_t i = 0; i < page->server_count; i++) {
        struct top_server *s = &page->servers[i];
        const struct top_server *old = bsearch(s, sorted, before->server_count,
                                               sizeof(*sorted), compare_names);

        if (old == NULL)
            continue;
        s->rate = per_second(s->total, old->total, ms);
        s->byte_rate = per_second(s->bytes, old->bytes, ms);
    }
    free(sorted);
    return 0;
}

int
top_page_read(struct top_page *out, const struct top_page *before,
              struct str info, struct str servers, uint64_t at_ms)
{
    *out = (struct top_page){
        .at_ms = at_ms,
        .pid = number(info, "pid"),
        .uptime_s = number(info, "uptime_s"),
        .now = number(info, "now"),
        .most = number(info, "most_now"),
        .limit = number(info, "max_connections"),
        .connection_rate = number(info, "connection_rate"),
        .request_rate = number(info, "request_rate"),
        .has_rates = before != NULL,
    };
    json_scan_text(out->version, sizeof(out->version),
                   json_scan_get(info, "version"));
    json_scan_text(out->log_level, sizeof(out->log_level),
                   json_scan_get(info, "log_level"));
    read_processes(out, json_scan_get(info, "processes"));
    if (read_servers(out, servers) < 0)
        return -1;
    if (before == NULL)
        return 0;
    rate_processes(out, before, at_ms - before->at_ms);
    if (rate_servers(out, before, at_ms - before->at_ms) == 0)
        return 0;
    top_page_fini(out);
    return -1;
}

void
top_page_fini(struct top_page *page)
{
    free(page->servers);
    page->servers = NULL;
    page->server_count = 0;
}

/* --- sorting -------------------------------------------------------------- */

static int
compare_keys(uint64_t one, uint64_t two)
{
    if (one == two)
        return 0;
    return one < two ? 1 : -1;
}

static int
compare_load(const void *a, const void *b)
{
    const struct top_server *one = a;
    const struct top_server *two = b;
    int order =
        compare_keys(one->active + one->queued, two->active + two->queued);

    if (order == 0)
        order = compare_keys(one->rate, two->rate);
    return order != 0 ? order : compare_names(a, b);
}

static int
compare_rates(const void *a, const void *b)
{
    const struct top_server *one = a;
    const struct top_server *two = b;
    int order = compare_keys(one->rate, two->rate);

    return order != 0 ? order : compare_load(a, b);
}

static int
compare_errors(const void *a, const void *b)
{
    const struct top_server *one = a;
    const struct top_server *two = b;
    int order = compare_keys(one->errors, two->errors);

    return order != 0 ? order : compare_load(a, b);
}

static void
sort(struct top_page *page, enum top_order order)
{
    static int (*const by[TOP_ORDERS])(const void *, const void *) = {
        [TOP_BY_LOAD] = compare_load,
        [TOP_BY_RATE] = compare_rates,
        [TOP_BY_ERRORS] = compare_errors,
        [TOP_BY_NAME] = compare_names,
    };

    qsort(page->servers, page->server_count, sizeof(*page->servers), by[order]);
}

/* --- drawing -------------------------------------------------------------- */

/* A line, cut at the width; COLOUR goes around it. */
static void
put_line(struct buf *out, const struct top_look *look, const char *colour,
         struct str text)
{
    bool painted = look->colour && colour != NULL;

    if (look->height > 0 && text.len > look->width)
        text.len = look->width;
    if (painted)
        buf_printf(out, "\x1b[%sm", colour);
    buf_str(out, text);
    if (painted)
        buf_str(out, STR("\x1b[0m"));
    buf_str(out, look->height > 0 ? STR("\x1b[K\r\n") : STR("\n"));
}

static void
put_uptime(struct buf *out, uint64_t seconds)
{
    if (seconds >= 86400)
        buf_printf(out, "%" PRIu64 "d ", seconds / 86400);
    if (seconds >= 3600)
        buf_printf(out, "%" PRIu64 "h ", seconds / 3600 % 24);
    if (seconds >= 60)
        buf_printf(out, "%" PRIu64 "m ", seconds / 60 % 60);
    buf_printf(out, "%" PRIu64 "s", seconds % 60);
}

/* "812", "12k", "3M": at most five characters */
static void
put_size(struct buf *out, uint64_t n)
{
    static const char units[] = "kMGTP";
    unsigned unit = 0;

    if (n < 10000) {
        buf_printf(out, "%6" PRIu64 " ", n);
        return;
    }
    for (n /= 1024; n >= 10000 && unit + 1 < sizeof(units) - 1; unit++)
        n /= 1024;
    buf_printf(out, "%6" PRIu64 "%c", n, units[unit]);
}

static void
draw_head(struct buf *out, const struct top_page *page,
          const struct top_look *look)
{
    char memory[LINE_MAX_BYTES];
    uint64_t bytes = 0;
    struct buf line;

    buf_init(&line, memory, sizeof(memory));
    buf_printf(&line, "moongate %s  pid %" PRIu64 "  up ", page->version,
               page->pid);
    put_uptime(&line, page->uptime_s);
    buf_printf(&line, "  log %s", page->log_level);
    put_line(out, look, "1", buf_text(&line));

    buf_reset(&line);
    buf_printf(&line,
               "connections %" PRIu64 " now, %" PRIu64 "/s, most %" PRIu64
               " of %" PRIu64 "  requests %" PRIu64 "/s",
               page->now, page->connection_rate, page->most, page->limit,
               page->request_rate);
    put_line(out, look, NULL, buf_text(&line));

    buf_reset(&line);
    buf_str(&line, STR("cpu"));
    for (size_t i = 0; i < page->process_count; i++) {
        const struct top_process *p = &page->processes[i];

        bytes += p->memory_bytes;
        if (page->has_rates)
            buf_printf(&line, " %s %u%%", p->name, p->percent);
        else
            buf_printf(&line, " %s %" PRIu64 "s", p->name, p->cpu_ms / 1000);
        if (line.len > sizeof(memory) / 2)
            break;
    }
    buf_printf(&line, "  memory %" PRIu64 "M", bytes >> 20);
    put_line(out, look, NULL, buf_text(&line));
    put_line(out, look, NULL, STR(""));
}

static int
name_width(const struct top_page *page)
{
    int width = NAME_WIDTH_MIN;

    for (size_t i = 0; i < page->server_count; i++) {
        int len = (int)strlen(page->servers[i].name);

        if (len > width)
            width = len;
    }
    return width < NAME_WIDTH_MAX ? width : NAME_WIDTH_MAX;
}

static void
draw_columns(struct buf *out, const struct top_look *look, int width)
{
    char memory[LINE_MAX_BYTES];
    struct buf line;

    buf_init(&line, memory, sizeof(memory));
    buf_printf(&line, "%-*s %-14s %6s %6s %7s %6s %7s %7s %10s %8s", width,
               "server", "state", "active", "queued", "maxconn", "weight", "/s",
               "bytes/s", "total", "errors");
    put_line(out, look, "7", buf_text(&line));
}

static const char *
colour_of(const char *state)
{
    if (strcmp(state, "up") == 0)
        return "32";
    if (strcmp(state, "no check") == 0)
        return NULL;
    return strcmp(state, "down") == 0 ? "31" : "33";
}

static void
draw_server(struct buf *out, const struct top_page *page,
            const struct top_server *s, const struct top_look *look, int width)
{
    char memory[LINE_MAX_BYTES];
    struct buf line;

    buf_init(&line, memory, sizeof(memory));
    buf_printf(&line,
               "%-*.*s %-14.14s %6" PRIu64 " %6" PRIu64 " %7" PRIu64
               " %6" PRIu64 " ",
               width, width, s->name, s->state, s->active, s->queued,
               s->maxconn, s->weight);
    if (page->has_rates) {
        put_size(&line, s->rate);
        buf_char(&line, ' ');
        put_size(&line, s->byte_rate);
    } else {
        buf_printf(&line, "%7s %7s", "-", "-");
    }
    buf_printf(&line, " %10" PRIu64 " %8" PRIu64, s->total, s->errors);
    put_line(out, look, colour_of(s->state), buf_text(&line));
}

size_t
top_page_room(const struct top_look *look)
{
    return look->height > LINES_AROUND ? look->height - LINES_AROUND : 1;
}

/* It stands on the last line, which has no end: that would scroll. */
static void
draw_foot(struct buf *out, const struct top_page *page,
          const struct top_look *look, size_t last)
{
    char memory[LINE_MAX_BYTES];
    struct buf line;
    struct str text;

    buf_init(&line, memory, sizeof(memory));
    buf_printf(
        &line, "q quit  s sort (%s)  arrows, pages: scroll  %zu-%zu of %zu",
        order_words[look->order], page->server_count == 0 ? 0 : look->first + 1,
        last, page->server_count);
    text = buf_text(&line);
    if (text.len >= look->width)
        text.len = look->width - 1;
    buf_str(out, STR("\x1b[K\r\n"));
    buf_str(out, text);
    buf_str(out, STR("\x1b[K"));
}

void
top_page_draw(struct buf *out, struct top_page *page, struct top_look *look)
{
    size_t room = look->height > 0 ? top_page_room(look) : page->server_count;
    int width = name_width(page);
    size_t last;

    if (look->first + room > page->server_count)
        look->first = page->server_count > room ? page->server_count - room : 0;
    last = look->first + room < page->server_count ? look->first + room
                                                   : page->server_count;
    sort(page, look->order);
    draw_head(out, page, look);
    draw_columns(out, look, width);
    for (size_t i = look->first; i < last; i++)
        draw_server(out, page, &page->servers[i], look, width);
    if (look->height > 0)
        draw_foot(out, page, look, last);
}
