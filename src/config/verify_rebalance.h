/* SPDX-License-Identifier: MIT */
/*
 * `rebalance` ends sessions that can be followed, and whose place depends on
 * how many a server has: elsewhere it does nothing, or no good.
 */
#ifndef CONFIG_VERIFY_REBALANCE_H
#define CONFIG_VERIFY_REBALANCE_H

#include "config/document.h"

/* Warns of the `rebalance` of UPSTREAM, which stands in BLOCK, where it has no
 * effect. */
void verify_rebalance(const struct config *config,
                      const struct upstream_conf *upstream,
                      const struct block *block, struct faults *faults);

#endif
