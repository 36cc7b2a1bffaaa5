/* SPDX-License-Identifier: MIT */
/*
 * What a worker has in its pools, for `show pools` (board/pools.h).
 */
#ifndef PROXY_INVENTORY_H
#define PROXY_INVENTORY_H

struct runtime;

/* Writes it all on the board; the worker does so once a second. RUNTIME is the
 * configuration in use: what others before it keep, nobody will use. */
void inventory_publish(const struct runtime *runtime);

#endif
