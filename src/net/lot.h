/* SPDX-License-Identifier: MIT */
/*
 * A parking lot: many sockets of which nothing is expected soon, watched for
 * little memory.  It is an epoll of its own, which is one descriptor of the
 * loop's, so that a parked socket has no struct event; the first thing that
 * happens to it wakes its owner, who takes it out.
 *
 *      socket, socket, socket … ─▶ lot ─▶ loop
 */
#ifndef NET_LOT_H
#define NET_LOT_H

#include <stdbool.h>

#include "base/mem.h"
#include "net/loop.h"

struct lot;

/* MEMBER can be read, or its end can.  It may be removed then, and no other
 * may. */
typedef void (*lot_fn)(struct lot *lot, void *member);

struct lot {
    struct watch watch;
    lot_fn on_ready;
};

/* An empty lot; 0, or -1 with errno. */
int lot_open(struct lot *lot, struct loop *loop, lot_fn on_ready) MUST_CHECK;

/* Closes it; its members' sockets stay their owners'. */
void lot_close(struct lot *lot);

/* Watches FD, which is in no other lot or stream, for MEMBER; 0, or -1 with
 * errno. */
int lot_add(struct lot *lot, int fd, void *member) MUST_CHECK;

/* Takes FD out: before it is closed, or given to a stream. */
void lot_remove(struct lot *lot, int fd);

#endif
