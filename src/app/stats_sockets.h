/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets of [stats]: one for each address, which control
 * accepts on. The master holds them, as it does those of the other sections
 * (sockets.h), and exchanges them the same way.
 */
#ifndef APP_STATS_SOCKETS_H
#define APP_STATS_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct addr;
struct addresses;
struct config;
struct faults;
struct inherit;
struct sockets;

/* In the order of the sections, and of the addresses of each. */
struct stats_sockets {
    size_t count;
    int *fds;           /* -1: not open */
    struct addr *addrs; /* that they are bound to */
    bool *kept;         /* it was another one's before */
};

/* Opens one for each address of CONFIG, but where BEFORE (or NULL), INHERIT (or
 * NULL) or the service manager has it. 0, or -1 with a fault for every address
 * that cannot be had. End with stats_sockets_close either way; or, of those
 * that were to take BEFORE's place, with _give_up or _replace. */
int
stats_sockets_open(struct stats_sockets *s, const struct stats_sockets *before,
                   const struct config *config, struct addresses *addresses,
                   struct inherit *inherit, struct faults *faults) MUST_CHECK;

/* Whether one of them listens on ADDR. */
bool stats_sockets_have(const struct stats_sockets *s, const struct addr *addr);

/* Closes those that are not kept: they will not take another one's place. */
void stats_sockets_give_up(struct stats_sockets *s);

/* *S becomes NEXT, which was opened with it before: what that has not kept is
 * closed. */
void stats_sockets_replace(struct stats_sockets *s, struct stats_sockets *next);

/* Another program has them: from now on there is none (-1) in each place. */
void stats_sockets_leave(struct stats_sockets *s);

void stats_sockets_close(struct stats_sockets *s);

#endif
