/* SPDX-License-Identifier: MIT */
#include "app/roles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/control.h"
#include "app/descriptors.h"
#include "app/resources.h"
#include "app/worker.h"
#include "base/log.h"
#include "board/board.h"

/* Everybody may wake everybody. Returns how many descriptors that are. */
static size_t
keep_wakes(int *keep, const struct resources *r)
{
    const struct board *board = r->board;

    for (unsigned i = 0; i < r->worker_count; i++)
        keep[i] = board->wakes[i];
    keep[r->worker_count] = board->control_wake;
    return r->worker_count + 1;
}

/* KEEP has the COUNT descriptors that the child needs. */
static void
restrict_child(const struct resources *r, int *keep, size_t count)
{
    descriptors_close_others(keep, count);
    if (privileges_drop(&r->privileges) < 0)
        fatal("cannot become user and group of the configuration: %s",
              strerror(errno));
}

int
role_run_worker(struct resources *r, unsigned number, int master)
{
    size_t listeners = r->sockets.listener_count;
    int *keep = xcalloc(listeners + 3 + r->worker_count + 1, sizeof(int));
    size_t count = listeners + 3;
    struct worker_conf conf = {
        .number = number,
        .master = master,
        .log_wake = r->log_wake,
        .board = r->board,
        .config = r->config,
        .addresses = &r->addresses,
        .bundles = &r->bundles,
        .script_generation = r->script_generation,
        .max_connections = r->max_connections,
        .sockets = &r->sockets,
    };

    sockets_of_worker(&r->sockets, number, keep);
    keep[listeners] = master;
    keep[listeners + 1] = r->log_wake;
    keep[listeners + 2] = r->board->fd;
    count += keep_wakes(keep + count, r);
    restrict_child(r, keep, count);
    free(keep);
    return worker_run(&conf);
}

int
role_run_control(struct resources *r, int master)
{
    size_t targets = r->logs.count;
    int *keep = xcalloc(targets + 4 + r->worker_count + 1, sizeof(int));
    size_t count = targets + 4;
    struct control_conf conf = {
        .master = master,
        .log_wake = r->log_wake,
        .listener = r->control.fd,
        .board = r->board,
        .config = r->config,
        .addresses = &r->addresses,
        .bundles = &r->bundles,
        .logs = &r->logs,
    };

    log_output_own(&r->logs);
    for (size_t i = 0; i < targets; i++)
        keep[i] = r->logs.targets[i].fd;
    keep[targets] = master;
    keep[targets + 1] = r->log_wake;
    keep[targets + 2] = r->control.fd;
    keep[targets + 3] = r->board->fd;
    count += keep_wakes(keep + count, r);
    restrict_child(r, keep, count);
    free(keep);
    return control_run(&conf);
}
