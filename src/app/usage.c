/* SPDX-License-Identifier: MIT */
#include "app/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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
#include "base/log.h"
#include "board/board.h"
#include "board/usage.h"

enum {
    LOOK_MS = 1000,
    FIRST_MS = 50,   /* until the children are there */
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
note_limits(const struct usage *u)
{
    struct usage_table *table = u->resources->board->usage;
    struct rlimit limit = {.rlim_cur = 0};

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    atomic_store(&table->max_descriptors, (uint64_t)limit.rlim_cur);
    atomic_store(&table->max_connections, u->resources->max_connections);
    atomic_store(&table->log_configured,
                 (uint8_t)log_output_level(u->resources->config));
}

/* Is there no newer master, or has that one died again? */
static bool
speaks_for_all(const struct usage *u)
{
    const struct process_usage *p = u->resources->board->usage->processes;
    pid_t pid = (pid_t)atomic_load(&p[USAGE_MASTER].pid);

    return pid == 0 || pid == getpid() || (kill(pid, 0) < 0 && errno == ESRCH);
}

static void
look(struct usage *u)
{
    struct process_usage *p = u->resources->board->usage->processes;

    for (unsigned i = 0; i < u->resources->worker_count; i++)
        look_at(&p[USAGE_WORKER + u->workers[i].number], u->workers[i].pid);
    if (!speaks_for_all(u))
        return;
    look_at(&p[USAGE_MASTER], getpid());
    look_at(&p[USAGE_CONTROL], u->control->pid);
    note_limits(u);
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

    *u = (struct usage){
        .loop = loop,
        .resources = resources,
        .control = control,
        .workers = workers,
    };
    log_share_level(&table->log_level);
    atomic_store(&table->processes[USAGE_MASTER].pid, (int32_t)getpid());
    note_limits(u);
    timer_init(&u->timer, on_timer);
    loop_start_timer(u->loop, &u->timer, FIRST_MS);
}

void
usage_stop(struct usage *u)
{
    timer_stop(&u->timer);
    log_share_level(NULL);
}
