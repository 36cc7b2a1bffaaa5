/* SPDX-License-Identifier: MIT */
/*
 * A worker process: it serves a configuration until its master says otherwise
 * or is gone.
 */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"

struct addresses;
struct board;
struct resources;
struct bundles;
struct sockets;

/* What the master gives it; all of it outlives the worker. */
struct worker_conf {
    unsigned number; /* on the board */
    unsigned place;  /* among the workers of this master, from 0 */
    bool waits;      /* for UPGRADE_BEGIN, before it accepts anybody */
    const struct resources *resources;
    void (*confine)(const struct resources *r); /* once what lies outside was
                                                   read */
    int master;                                 /* the socket to the master */
    int log_wake;   /* the eventfd that wakes control */
    int stats_link; /* where requests to the statistics are handed in */
    struct board *board;
    const struct config *config;
    struct addresses *addresses; /* that its names have resolved to */
    struct bundles *bundles;     /* of its scripts */
    uint32_t script_generation;  /* of its scripts */
    uint32_t max_connections;    /* of the whole program */
    struct sockets *sockets;
};

/* Serves; returns the exit status. */
int worker_run(const struct worker_conf *conf);

#endif
