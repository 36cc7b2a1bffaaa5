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

/* Everybody may wake everybody, of all generations. Returns how many
 * descriptors that are. */
static size_t
keep_wakes(int *keep, const struct resources *r)
{
    const struct board *board = r->board;

    unsigned count = board->header->limits.workers;

    memcpy(keep, board->wakes, count * sizeof(*keep));
    keep[count] = board->control_wake;
    return count + 1;
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
role_run_worker(struct resources *r, unsigned place, int master)
{
    size_t sockets = r->sockets.listener_count * sockets_rounds(&r->sockets);
    int *keep = xcalloc(sockets + 4 + BOARD_WORKERS_MAX + 1, sizeof(int));
    size_t count = sockets + 4;
    struct worker_conf conf = {
        .number = r->shared.numbers[place],
        .place = place,
        .waits = inherit_is_open(&r->inherit),
        .resources = r,
        .confine = confine_child,
        .master = master,
        .log_wake = r->shared.log_wake,
        .stats_link = r->shared.stats_link[1],
        .board = r->board,
        .config = r->config,
        .addresses = &r->addresses,
        .bundles = &r->bundles,
        .script_generation = r->script_generation,
        .max_connections = r->max_connections,
        .sockets = &r->sockets,
    };

    sockets_of_worker(&r->sockets, place, keep);
    keep[sockets] = master;
    keep[sockets + 1] = r->shared.log_wake;
    keep[sockets + 2] = r->board->fd;
    keep[sockets + 3] = r->shared.stats_link[1];
    count += keep_wakes(keep + count, r);
    descriptors_close_others(keep, count);
    free(keep);
    return worker_run(&conf);
}

int
role_run_control(struct resources *r, int master)
{
    size_t targets = r->logs.count;
    int *keep = xcalloc(targets + 5 + r->stats.count + BOARD_WORKERS_MAX + 1,
                        sizeof(int));
    size_t count = targets + 5;
    struct control_conf conf = {
        .waits = inherit_is_open(&r->inherit),
        .resources = r,
        .confine = confine_child,
        .master = master,
        .log_wake = r->shared.log_wake,
        .listener = r->control.fd,
        .board = r->board,
        .config = r->config,
        .addresses = &r->addresses,
        .bundles = &r->bundles,
        .logs = &r->logs,
        .stats = r->stats.fds,
        .stats_link = r->shared.stats_link[0],
    };

    log_output_own(&r->logs);
    for (size_t i = 0; i < targets; i++)
        keep[i] = r->logs.targets[i].fd;
    keep[targets] = master;
    keep[targets + 1] = r->shared.log_wake;
    keep[targets + 2] = r->control.fd;
    keep[targets + 3] = r->board->fd;
    keep[targets + 4] = r->shared.stats_link[0];
    for (size_t i = 0; i < r->stats.count; i++)
        keep[count++] = r->stats.fds[i];
    count += keep_wakes(keep + count, r);
    descriptors_close_others(keep, count);
    free(keep);
    return control_run(&conf);
}
