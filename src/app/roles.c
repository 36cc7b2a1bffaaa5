/* SPDX-License-Identifier: MIT */
#include "app/roles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/control.h"
#include "app/control_config.h"
#include "app/daemon.h"
#include "app/descriptors.h"
#include "app/resources.h"
#include "app/worker.h"
#include "base/confine.h"
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

/* For good; only then is anything done that comes from outside, or a script
 * run. */
static void
confine_child(const struct resources *r)
{
    const char *folder = r->config->global.chroot.p;

    if (folder != NULL && confine_enter(folder) < 0)
        fatal("cannot confine it to %s: %s", folder, strerror(errno));
    if (privileges_drop(&r->privileges) < 0)
        fatal("cannot become user and group of the configuration: %s",
              strerror(errno));
    daemon_leave_terminal();
}

int
role_run_worker(struct resources *r, unsigned number, int master)
{
    size_t listeners = r->sockets.listener_count;
    int *keep = xcalloc(listeners + 3 + r->worker_count + 1, sizeof(int));
    size_t count = listeners + 3;
    struct worker_conf conf = {
        .number = number,
        .resources = r,
        .confine = confine_child,
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
    descriptors_close_others(keep, count);
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
        .resources = r,
        .confine = confine_child,
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
    descriptors_close_others(keep, count);
    free(keep);
    return control_run(&conf);
}
