/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets that a service manager has opened: sd_listen_fds(3)'s
 * protocol. A socket is known by the address that it is bound to; the name that
 * $LISTEN_FDNAMES gives it is for messages.
 *
 *     $LISTEN_FDS ── activation_init ──▶ found ─┬─ activation_take ─▶ listener
 *                                               └─ activation_end ──▶ closed
 */
#ifndef APP_ACTIVATION_H
#define APP_ACTIVATION_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/mem.h"

/* Takes them over from the environment, once, before the first fork. Those that
 * are meant for another process are left alone. */
void activation_init(void);

/* The socket that listens on ADDR, which is the caller's from then on; -1:
 * there is none. */
int activation_take(const struct addr *addr);

/* The same without taking it. */
bool activation_has(const struct addr *addr);

/* Closes those that nobody has taken, with a warning each. */
void activation_end(void);

#endif
