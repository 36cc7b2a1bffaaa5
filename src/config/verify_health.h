/* SPDX-License-Identifier: MIT */
/* The part of verifying that is about the health of servers: its keys against
 * each other and against the protocol. */
#ifndef CONFIG_VERIFY_HEALTH_H
#define CONFIG_VERIFY_HEALTH_H

#include "config/document.h"

/* Adds what is wrong with UPSTREAM, which stands in BLOCK of DOC. */
void verify_health(const struct upstream_conf *upstream,
                   const struct block *block, const struct document *doc);

/* Warns of checks in CONFIG that are valid, and yet hardly meant. */
void verify_health_warn(const struct config *config, struct faults *faults);

#endif
