/* SPDX-License-Identifier: MIT */
#include "board/render_usage.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "board/board.h"
#include "board/usage.h"

enum {
    PROCESS_NAME_MAX = 24,
};

static const char *
process_name(char text[PROCESS_NAME_MAX], unsigned process)
{
    if (process == USAGE_MASTER)
        return "master";
    if (process == USAGE_CONTROL)
        return "control";
    (void)snprintf(text, PROCESS_NAME_MAX, "worker[%u]",
                   process - USAGE_WORKER);
    return text;
}

void
render_processes_text(struct buf *out, const struct board *b)
{
    unsigned count = USAGE_WORKER + b->header->limits.workers;
    char name[PROCESS_NAME_MAX];

    buf_printf(out, "\n%-10s %8s %11s %10s\n", "process", "pid", "cpu s",
               "memory");
    for (unsigned i = 0; i < count; i++) {
        const struct process_usage *p = &b->usage->processes[i];
        uint64_t cpu_ms = atomic_load(&p->cpu_ms);

        if (atomic_load(&p->pid) == 0)
            continue;
        buf_printf(out,
                   "%-10s %8" PRId32 " %8" PRIu64 ".%02" PRIu64 " %9" PRIu64
                   "k\n",
                   process_name(name, i), atomic_load(&p->pid), cpu_ms / 1000,
                   cpu_ms % 1000 / 10, atomic_load(&p->rss_bytes) / 1024);
    }
}

void
render_processes_json(struct buf *out, const struct board *b)
{
    unsigned count = USAGE_WORKER + b->header->limits.workers;
    char name[PROCESS_NAME_MAX];
    const char *comma = "";

    buf_str(out, STR(",\"processes\":["));
    for (unsigned i = 0; i < count; i++) {
        const struct process_usage *p = &b->usage->processes[i];

        if (atomic_load(&p->pid) == 0)
            continue;
        buf_printf(out,
                   "%s{\"process\":\"%s\",\"pid\":%" PRId32
                   ",\"cpu_ms\":%" PRIu64 ",\"memory_bytes\":%" PRIu64 "}",
                   comma, process_name(name, i), atomic_load(&p->pid),
                   atomic_load(&p->cpu_ms), atomic_load(&p->rss_bytes));
        comma = ",";
    }
    buf_char(out, ']');
}

const char *
render_log_level(const struct board *b, bool *set)
{
    uint8_t chosen = atomic_load(&b->usage->log_level);
    uint8_t configured = atomic_load(&b->usage->log_configured);
    uint8_t level = chosen == 0 ? configured : (uint8_t)(chosen - 1);

    *set = chosen != 0;
    return log_level_name(level <= LOG_LEVEL_ERROR ? (enum log_level)level
                                                   : LOG_LEVEL_INFO);
}

void
render_usage_json(struct buf *out, const struct board *b)
{
    const struct usage_table *u = b->usage;
    bool set;
    const char *level = render_log_level(b, &set);

    buf_printf(out,
               ",\"pid\":%" PRId32 ",\"log_level\":\"%s\",\"log_level_set\":%s"
               ",\"most_now\":%" PRIu32 ",\"max_connections\":%" PRIu32
               ",\"max_descriptors\":%" PRIu64,
               atomic_load(&u->processes[USAGE_MASTER].pid), level,
               set ? "true" : "false", atomic_load(&u->most_connections),
               atomic_load(&u->max_connections),
               atomic_load(&u->max_descriptors));
    buf_printf(
        out,
        ",\"connection_rate\":%" PRIu32 ",\"connection_rate_most\":%" PRIu32
        ",\"request_rate\":%" PRIu32 ",\"request_rate_most\":%" PRIu32,
        atomic_load(&u->connections.now), atomic_load(&u->connections.most),
        atomic_load(&u->requests.now), atomic_load(&u->requests.most));
}
