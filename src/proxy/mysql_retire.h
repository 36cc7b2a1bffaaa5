/* SPDX-License-Identifier: MIT */
/*
 * The end of a MySQL session that nobody would miss: between two commands, as
 * that of a server whose wait_timeout has passed. The client's next command
 * finds the connection closed, and it logs in again. The server is told by a
 * COM_QUIT, so it counts no connection that was broken off.
 */
#ifndef PROXY_MYSQL_RETIRE_H
#define PROXY_MYSQL_RETIRE_H

#include "proxy/flow.h"

/* For flows of sessions that are joined and whose commands are followed
 * (m->visible is set). */
extern const struct flow_retire mysql_retire;

#endif
