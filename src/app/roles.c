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
    int *keep = xcalloc(listeners + 3, sizeof(int));
    struct worker_conf conf = {
        .number = number,
        .master = master,
        .log_wake = r->log_wake,
        .board = r->board,
        .config = r->config,
        .addresses = &r->addresses,
        .max_connections = r->max_connections,
        .sockets = &r->sockets,
    };

    sockets_of_worker(&r->sockets, number, keep);
    keep[listeners] = master;
    keep[listeners + 1] = r->log_wake;
    keep[listeners + 2] = r->board->fd;
    restrict_child(r, keep, listeners + 3);
    free(keep);
    return worker_run(&conf);
}

int
role_run_control(struct resources *r, int master)
{
    size_t targets = r->logs.count;
    int *keep = xcalloc(targets + 4, sizeof(int));
    struct control_conf conf = {
        .master = master,
        .log_wake = r->log_wake,
        .listener = r->control.fd,
        .board = r->board,
        .logs = &r->logs,
    };

    for (size_t i = 0; i < targets; i++)
        keep[i] = r->logs.targets[i].fd;
    keep[targets] = master;
    keep[targets + 1] = r->log_wake;
    keep[targets + 2] = r->control.fd;
    keep[targets + 3] = r->board->fd;
    restrict_child(r, keep, targets + 4);
    free(keep);
    return control_run(&conf);
}
