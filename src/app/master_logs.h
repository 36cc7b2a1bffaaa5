/* SPDX-License-Identifier: MIT */
/*
 * What the master does for logs, whose files and sockets control may not reach.
 */
#ifndef APP_MASTER_LOGS_H
#define APP_MASTER_LOGS_H

#include <stdint.h>

struct master;

/* Connects to the local syslog of a target for control. What fails is asked for
 * again. */
void master_help_log(struct master *m, uint32_t target);

/* Opens the files again; once more where a configuration is being exchanged,
 * which has opened those that were there under these names before. */
void master_reopen_logs(struct master *m);

#endif
