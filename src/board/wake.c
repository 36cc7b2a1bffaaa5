/* SPDX-License-Identifier: MIT */
#include "board/wake.h"

#include <stdint.h>
#include <unistd.h>

static void
notify(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof(one));

    (void)n; /* full: it is awake already */
}

void
wake_worker(const struct board *b, unsigned worker)
{
    notify(b->wakes[worker]);
}

void
wake_workers(const struct board *b)
{
    for (unsigned i = 0; i < board_worker_top(b); i++)
        notify(b->wakes[i]);
}

void
wake_control(const struct board *b)
{
    notify(b->control_wake);
}
