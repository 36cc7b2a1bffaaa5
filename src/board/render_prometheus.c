/* SPDX-License-Identifier: MIT */
#include "board/render_prometheus.h"

#include <inttypes.h>

#include "board/board.h"
#include "board/render_metrics.h"
#include "board/server_line.h"
#include "board/slots.h"
#include "board/state.h"

/* --- names ---------------------------------------------------------------- */

static void
put_head(struct buf *out, const char *name, const char *type,
         const char *sentence)
{
    buf_printf(out, "# HELP moongate_%s %s.\n# TYPE moongate_%s %s\n", name,
               sentence, name, type);
}

static bool
is_milliseconds(struct str name)
{
    return name.len > 3 &&
           str_equal(str_slice(name, name.len - 3, name.len), STR("_ms"));
}

/* "waited_ms" of servers is "server_waited_seconds_total". */
static void
put_counter_name(struct buf *out, const char *kind, const char *counter)
{
    struct str name = str_from(counter);

    buf_printf(out, "%s_", kind);
    if (is_milliseconds(name)) {
        buf_str(out, str_slice(name, 0, name.len - 3));
        buf_str(out, STR("_seconds"));
    } else {
        buf_str(out, name);
    }
    buf_str(out, STR("_total"));
}

static void
put_value(struct buf *out, const char *counter, uint64_t n)
{
    if (is_milliseconds(str_from(counter)))
        buf_printf(out, " %" PRIu64 ".%03u\n", n / 1000, (unsigned)(n % 1000));
    else
        buf_printf(out, " %" PRIu64 "\n", n);
}

/* Names have letters, digits and _ . - alone: nothing is to be escaped. */
static void
put_server_labels(struct buf *out, const struct server_line *line)
{
    buf_printf(out, "{upstream=\"" STR_FMT "\",server=\"" STR_FMT "\"}",
               STR_ARG(line->upstream), STR_ARG(line->name));
}

/* --- servers -------------------------------------------------------------- */

static void
put_server_counter(struct buf *out, const struct board *b,
                   const struct counter_info *info)
{
    char memory[64];
    struct buf name;
    struct server_line line;

    buf_init(&name, memory, sizeof(memory) - 1);
    put_counter_name(&name, "server", info->name);
    memory[name.len] = '\0';
    put_head(out, memory, "counter", info->sentence);
    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (!server_line_read(&line, b, i))
            continue;
        buf_printf(out, "moongate_%s", memory);
        put_server_labels(out, &line);
        put_value(
            out, info->name,
            *(const uint64_t *)((const char *)&line.totals + info->offset));
    }
}

static double
is_up(const struct server_line *line)
{
    return line->view.up ? 1 : 0;
}

static double
is_in_service(const struct server_line *line)
{
    return line->view.up && !line->view.maint && !line->view.draining ? 1 : 0;
}

static double
weight_of(const struct server_line *line)
{
    return line->view.weight;
}

static double
active_of(const struct server_line *line)
{
    return line->view.active;
}

static double
queued_of(const struct server_line *line)
{
    return line->view.queued;
}

static double
limit_of(const struct server_line *line)
{
    return line->view.maxconn;
}

static double
check_of(const struct server_line *line)
{
    return atomic_load(&line->row->check_us) / 1e6;
}

struct server_gauge {
    const char *name;
    const char *sentence;
    double (*value)(const struct server_line *line);
};

static const struct server_gauge server_gauges[] = {
    {"server_up", "Whether checks say that it is up", is_up},
    {"server_in_service", "Whether it gets new work", is_in_service},
    {"server_weight", "Its weight now", weight_of},
    {"server_sessions", "Requests and sessions on it now", active_of},
    {"server_queued", "Who waits for this very server", queued_of},
    {"server_max_sessions", "Its maxconn; 0 is no limit", limit_of},
    {"server_check_seconds", "How long its last check took", check_of},
};

static void
put_server_gauge(struct buf *out, const struct board *b,
                 const struct server_gauge *gauge)
{
    struct server_line line;

    put_head(out, gauge->name, "gauge", gauge->sentence);
    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (!server_line_read(&line, b, i))
            continue;
        buf_printf(out, "moongate_%s", gauge->name);
        put_server_labels(out, &line);
        buf_printf(out, " %g\n", gauge->value(&line));
    }
}

/* What checks have counted, in the servers' rows themselves. */
struct check_counter {
    const char *name;
    const char *sentence;
    uint64_t (*value)(const struct board *b, int row);
};

static uint64_t
check_fails_of(const struct board *b, int row)
{
    return atomic_load(&b->servers[row].check_fails);
}

static uint64_t
downs_of(const struct board *b, int row)
{
    return atomic_load(&b->servers[row].downs);
}

static uint64_t
down_seconds_of(const struct board *b, int row)
{
    return board_down_ms(b, row) / 1000;
}

static const struct check_counter check_counters[] = {
    {"server_checks_failed_total", "Checks that failed while it was up",
     check_fails_of},
    {"server_downs_total", "How often it went down", downs_of},
    {"server_down_seconds_total", "How long it has been down", down_seconds_of},
};

static void
put_check_counter(struct buf *out, const struct board *b,
                  const struct check_counter *counter)
{
    struct server_line line;

    put_head(out, counter->name, "counter", counter->sentence);
    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (!server_line_read(&line, b, i))
            continue;
        buf_printf(out, "moongate_%s", counter->name);
        put_server_labels(out, &line);
        buf_printf(out, " %" PRIu64 "\n", counter->value(b, (int)i));
    }
}

/* --- sections ------------------------------------------------------------- */

/* "http www" becomes kind="http",section="www". */
static void
put_section_labels(struct buf *out, struct str name)
{
    ptrdiff_t blank = str_find_char(name, ' ', 0);
    size_t end = blank < 0 ? 0 : (size_t)blank;

    buf_printf(out, "{kind=\"" STR_FMT "\",section=\"" STR_FMT "\"}",
               STR_ARG(str_slice(name, 0, end)),
               STR_ARG(str_slice(name, blank < 0 ? 0 : end + 1, name.len)));
}

static void
put_section_counter(struct buf *out, const struct board *b,
                    const struct counter_info *info)
{
    char memory[64];
    struct buf name;
    struct section_totals sum;

    buf_init(&name, memory, sizeof(memory) - 1);
    put_counter_name(&name, "section", info->name);
    memory[name.len] = '\0';
    put_head(out, memory, "counter", info->sentence);
    for (unsigned i = 0; i < b->header->limits.sections; i++) {
        struct str row = row_text(&b->sections[i].name);

        if (row.p == NULL)
            continue;
        board_sum_section(b, (int)i, &sum);
        buf_printf(out, "moongate_%s", memory);
        put_section_labels(out, row);
        put_value(out, info->name,
                  *(const uint64_t *)((const char *)&sum + info->offset));
    }
}

static void
put_section_gauge(struct buf *out, const struct board *b)
{
    put_head(out, "section_sessions", "gauge", "Clients that are connected");
    for (unsigned i = 0; i < b->header->limits.sections; i++) {
        struct str row = row_text(&b->sections[i].name);

        if (row.p == NULL)
            continue;
        buf_str(out, STR("moongate_section_sessions"));
        put_section_labels(out, row);
        buf_printf(out, " %" PRIu32 "\n",
                   slot_count(b, board_section_slot(b, (int)i)));
    }
}

/* --- the whole ------------------------------------------------------------ */

static void
put_program(struct buf *out, const struct board *b)
{
    put_head(out, "build_info", "gauge", "The version that runs");
    buf_printf(out, "moongate_build_info{version=\"%s\"} 1\n",
               b->header->version);
    put_head(out, "start_time_seconds", "gauge",
             "When it was started, since 1970");
    buf_printf(out, "moongate_start_time_seconds %" PRIu64 "\n",
               b->header->started_ms / 1000);
    put_head(out, "connections", "gauge", "Clients that are connected");
    buf_printf(out, "moongate_connections %" PRIu32 "\n",
               slot_count(b, board_global_slot()));
}

void
render_prometheus(struct buf *out, const struct board *b)
{
    put_program(out, b);
    put_section_gauge(out, b);
    for (size_t i = 0; i < section_counter_count; i++)
        put_section_counter(out, b, &section_counter_infos[i]);
    for (size_t i = 0; i < sizeof(server_gauges) / sizeof(*server_gauges); i++)
        put_server_gauge(out, b, &server_gauges[i]);
    for (size_t i = 0; i < sizeof(check_counters) / sizeof(*check_counters);
         i++)
        put_check_counter(out, b, &check_counters[i]);
    for (size_t i = 0; i < server_counter_count; i++)
        put_server_counter(out, b, &server_counter_infos[i]);
    render_metrics(out, b, RENDER_TEXT);
}
