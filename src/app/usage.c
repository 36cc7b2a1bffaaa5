/* SPDX-License-Identifier: MIT */
#include "app/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/child.h"
#include "app/log_output.h"
#include "app/resources.h"
#include "app/stuck.h"
#include "base/clock.h"
#include "board/board.h"
#include "board/usage.h"

enum {
    LOOK_MS = 1000,
    STATM_MAX = 128, /* bytes of a /proc/PID/statm */
};

/* The resident pages are the second number of proc(5)'s statm. 0: they are not
 * to be known. */
static uint64_t
read_resident(pid_t pid)
{
    char path[32];
    char text[STATM_MAX];
    const char *second;
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%ld/statm", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    second = strchr(text, ' ');
    return second == NULL
               ? 0
               : strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
look_at(struct process_usage *p, pid_t pid)
{
    uint64_t cpu_ms = 0;

    if (pid != 0)
        (void)stuck_read_cpu(pid, &cpu_ms);
    atomic_store(&p->pid, (int32_t)pid);
    atomic_store(&p->cpu_ms, cpu_ms);
    atomic_store(&p->rss_bytes, pid == 0 ? 0 : read_resident(pid));
}

static void
look_at_rates(struct usage *u)
{
    const struct board *b = u->resources->board;
    uint64_t now_ms = clock_ms();
    uint64_t connections = 0;
    uint64_t requests = 0;

    for (unsigned w = 0; w < b->header->limits.workers; w++) {
        struct section_totals sum;

        board_sum_worker(b, w, &sum);
        connections += sum.connections;
        requests += sum.requests;
    }
    /* A section that has gone takes its counts along. */
    if (u->at_ms != 0 && connections >= u->connections)
        usage_set_rate(&b->usage->connections, connections - u->connections,
                       now_ms - u->at_ms);
    if (u->at_ms != 0 && requests >= u->requests)
        usage_set_rate(&b->usage->requests, requests - u->requests,
                       now_ms - u->at_ms);
    u->at_ms = now_ms;
    u->connections = connections;
    u->requests = requests;
}

static void
look(struct usage *u)
{
    struct process_usage *p = u->resources->board->usage->processes;

    look_at(&p[USAGE_MASTER], getpid());
    look_at(&p[USAGE_CONTROL], u->control->pid);
    for (unsigned i = 0; i < u->resources->worker_count; i++)
        look_at(&p[USAGE_WORKER + i], u->workers[i].pid);
    look_at_rates(u);
}

static void
on_timer(struct timer *timer)
{
    struct usage *u = container_of(timer, struct usage, timer);

    look(u);
    loop_start_timer(u->loop, timer, LOOK_MS);
}

void
usage_start(struct usage *u, struct loop *loop, struct resources *resources,
            const struct child *control, const struct child *workers)
{
    struct usage_table *table = resources->board->usage;
    struct rlimit limit = {.rlim_cur = 0};

    *u = (struct usage){
        .loop = loop,
        .resources = resources,
        .control = control,
        .workers = workers,
    };
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    atomic_store(&table->max_descriptors, (uint64_t)limit.rlim_cur);
    atomic_store(&table->max_connections, resources->max_connections);
    atomic_store(&table->log_configured,
                 (uint8_t)log_output_level(&resources->logs));
    timer_init(&u->timer, on_timer);
    on_timer(&u->timer);
}

void
usage_stop(struct usage *u)
{
    timer_stop(&u->timer);
}
