/* SPDX-License-Identifier: MIT */
#include "net/lot.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    LOT_BATCH = 64, /* members of one turn; what is left is still ready */
};

static void
on_ready(struct watch *watch)
{
    struct lot *lot = container_of(watch, struct lot, watch);
    struct epoll_event events[LOT_BATCH];
    int n = epoll_wait(watch_fd(watch), events, LOT_BATCH, 0);

    for (int i = 0; i < n; i++)
        lot->on_ready(lot, events[i].data.ptr);
}

int
lot_open(struct lot *lot, struct loop *loop, lot_fn fn)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    int saved;

    if (fd < 0)
        return -1;
    lot->on_ready = fn;
    if (watch_start(&lot->watch, loop, fd, on_ready) == 0)
        return 0;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

void
lot_close(struct lot *lot)
{
    watch_stop(&lot->watch);
    close(watch_fd(&lot->watch));
}

int
lot_add(struct lot *lot, int fd, void *member)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLRDHUP,
        .data.ptr = member,
    };

    return epoll_ctl(watch_fd(&lot->watch), EPOLL_CTL_ADD, fd, &event);
}

void
lot_remove(struct lot *lot, int fd)
{
    (void)epoll_ctl(watch_fd(&lot->watch), EPOLL_CTL_DEL, fd, NULL);
}
