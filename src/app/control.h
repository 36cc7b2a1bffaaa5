/* SPDX-License-Identifier: MIT */
/*
 * The control process: it ships the log, answers the control socket, watches
 * over the health of servers and looks their names up again, until its master
 * says that all others have left, or is gone.
 */
#ifndef APP_CONTROL_H
#define APP_CONTROL_H

struct control_conf;

/* Serves; returns the exit status. */
int control_run(const struct control_conf *conf);

#endif
