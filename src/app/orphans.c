/* SPDX-License-Identifier: MIT */
/*
 * What stands on the board is only looked at: nobody is signalled by it, since
 * an unprivileged process may have written it.
 */
#include "app/orphans.h"

#include <errno.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/log.h"
#include "board/board.h"
#include "board/numbers.h"

/* One that nobody has waited for has ended, too, which kill() would not say. */
static bool
has_ended(pid_t pid)
{
    struct pollfd poller = {.events = POLLIN};
    bool ended;

    if (pid == 0 || pid == getpid())
        return pid == 0;
    poller.fd = pidfd_open(pid, 0);
    if (poller.fd < 0)
        return errno == ESRCH;
    ended = poll(&poller, 1, 0) > 0;
    close(poller.fd);
    return ended;
}

/* Is it done with? */
static bool
see_to(struct board *board, unsigned worker)
{
    pid_t pid = atomic_load(&board->workers[worker].pid);

    if (pid != 0) {
        if (!has_ended(pid))
            return false;
        log_warn("worker[%u] (pid %ld) had lost its master and has ended",
                 worker, (long)pid);
        board_worker_died(board, worker);
    }
    if (board_clear_queues(board, worker) < 0)
        return false;
    numbers_release(board, worker);
    return true;
}

bool
orphans_look(struct board *board)
{
    bool left = false;

    for (unsigned i = 0; i < board_worker_top(board); i++) {
        if (numbers_is_vacant(board, i) ||
            !has_ended(atomic_load(&board->workers[i].master)))
            continue;
        left |= !see_to(board, i);
    }
    return left;
}
