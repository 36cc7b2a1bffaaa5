/* SPDX-License-Identifier: MIT */
/*
 * What the program holds while it runs: opened by the master with its
 * privileges, before the first fork; children inherit what they need of it.
 *
 *     file ─▶ config ─▶ pidfile, logs, sockets, control socket, board
 *                       or as an older program has them (inherit.h)
 */
#ifndef APP_RESOURCES_H
#define APP_RESOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "app/inherit.h"
#include "app/log_output.h"
#include "app/pidfile.h"
#include "app/privileges.h"
#include "app/shared.h"
#include "app/socket_file.h"
#include "app/sockets.h"
#include "app/stats_sockets.h"
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
    struct stats_sockets stats; /* of [stats] */
    struct socket_file control; /* the control socket */
    struct shared shared;
    struct board *board;    /* its board */
    struct inherit inherit; /* from an older program */
    bool upgrading;         /* a newer program starts, serves, or has left rows
                               on the board: none are added or removed */
};

/* Reads the configuration FILE, checks it, goes to the background if DAEMON or
 * the configuration says so, and opens what it names. From then on this
 * process's log lines go where it says. 0, or -1 when something is wrong, all
 * of which has been printed then. End with resources_close either way. */
int
resources_open(struct resources *r, const char *file, bool daemon) MUST_CHECK;

/* Logs where the program serves: "serving on 0.0.0.0:80 unix:/run/x workers=2"
 */
void resources_tell(const struct resources *r);

/* It is this program's turn: what is on the board is as its configuration says,
 * what the older one had in the file system is its own, and what it does not
 * need is closed. What goes wrong is logged. */
void resources_take_over(struct resources *r);

/* What has a name in the file system is a newer program's from now on: the
 * pidfile is renamed, and nothing will be removed. Not OVER: it has not come to
 * that, and is taken back. */
void resources_hand_over(struct resources *r, bool over);

/* Closes all, removes files and stops logging. */
void resources_close(struct resources *r);

#endif
