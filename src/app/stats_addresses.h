/* SPDX-License-Identifier: MIT */
/*
 * What the addresses of [stats] mean: looked up with those of other sections,
 * where somebody may wait for a resolver, so that it is known where the sockets
 * are opened.
 */
#ifndef APP_STATS_ADDRESSES_H
#define APP_STATS_ADDRESSES_H

struct addresses;
struct config;
struct faults;

/* Adds what they mean to ADDRESSES, and a fault for each that means nothing.
 * Start-up, or a process that nobody waits for. */
void
stats_addresses_resolve(const struct config *config,
                        struct addresses *addresses, struct faults *faults);

#endif
