/* SPDX-License-Identifier: MIT */
/*
 * The control process: it ships the log, answers the control socket, watches
 * over the health of servers and looks their names up again, until its master
 * says that all others have left, or is gone.
 */
#ifndef APP_CONTROL_H
#define APP_CONTROL_H

#include <stdbool.h>

struct addresses;
struct board;
struct bundles;
struct config;
struct log_output;

/* What the master gives it; all of it outlives control. */
struct control_conf {
    bool waits;   /* for UPGRADE_BEGIN, before it does anything */
    int master;   /* the socket to the master */
    int log_wake; /* the eventfd by which workers wake it */
    int listener; /* the control socket; -1: none */
    struct board *board;
    const struct config *config;
    struct addresses *addresses; /* what names meant at start-up */
    struct bundles *bundles;     /* of the scripts of checks */
    struct log_output *logs;
};

/* Serves; returns the exit status. */
int control_run(const struct control_conf *conf);

#endif
