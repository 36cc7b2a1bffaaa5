/* SPDX-License-Identifier: MIT */
/* The part of verifying that is about running in the background. */
#ifndef CONFIG_VERIFY_DAEMON_H
#define CONFIG_VERIFY_DAEMON_H

#include "config/faults.h"
#include "config/model.h"

/* Adds what of CONFIG does not go with running in the background, where there
 * is neither standard output nor error. */
void verify_daemon(const struct config *config, struct faults *faults);

#endif
