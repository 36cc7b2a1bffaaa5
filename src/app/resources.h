/* SPDX-License-Identifier: MIT */
/*
 * What the program holds while it runs: opened by the master with its
 * privileges, before the first fork; children inherit what they need of it.
 *
 *     file ─▶ config ─▶ pidfile, logs, sockets, control socket, board
 */
#ifndef APP_RESOURCES_H
#define APP_RESOURCES_H

#include <stdint.h>

#include "app/log_output.h"
#include "app/pidfile.h"
#include "app/privileges.h"
#include "app/socket_file.h"
#include "app/sockets.h"
#include "base/mem.h"
#include "proxy/addresses.h"
#include "script/bundles.h"

struct board;

struct resources {
    const struct config *config;
    bool daemon; /* -d: to the background */
    int record;  /* the same, as config_record.h has it; -1: none */
    struct addresses addresses; /* that its names have resolved to */
    struct bundles bundles;     /* of the scripts: what children load */
    struct privileges privileges;
    uint32_t script_generation; /* of the scripts: how many exchanges, and 1 */
    unsigned worker_count;
    uint32_t max_connections; /* of the whole program, as they have room */
    struct pidfile pidfile;
    struct log_output logs;
    struct sockets sockets;
    struct socket_file control; /* the control socket */
    struct board *board;
    int log_wake; /* the eventfd by which workers wake control */
};

/* Reads the configuration FILE, checks it, goes to the background if DAEMON or
 * the configuration says so, and opens what it names. From then on this
 * process's log lines go where it says. 0, or -1 when something is wrong, all
 * of which has been printed then. End with resources_close either way. */
int
resources_open(struct resources *r, const char *file, bool daemon) MUST_CHECK;

/* Closes all, removes files and stops logging. */
void resources_close(struct resources *r);

#endif
