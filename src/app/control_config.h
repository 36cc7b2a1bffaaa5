/* SPDX-License-Identifier: MIT */
/*
 * The configuration of control: what watches over its servers, looks their
 * names up and writes its logs; and the one that is staged to take over
 * (reload.h).
 *
 *     CONFIG, LOG_TARGET ... ─▶ staged ─┬─ commit ─▶ now; what was is stopped
 *                                       └─ drop
 *
 * What health knows of servers that stay is on the board, and goes on.
 */
#ifndef APP_CONTROL_CONFIG_H
#define APP_CONTROL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/check_scripts.h"
#include "app/fd_places.h"
#include "app/log_output.h"
#include "app/script_stage.h"
#include "app/stats_server.h"
#include "base/mem.h"
#include "proxy/addresses.h"
#include "proxy/server_names.h"
#include "script/bundles.h"

struct board;
struct health;
struct message;
struct resources;

/* What the master gives it; all of it outlives control. */
struct control_conf {
    bool waits; /* for UPGRADE_BEGIN, before it does anything */
    const struct resources *resources;
    void (*confine)(const struct resources *r); /* once what lies outside was
                                                   read */
    int master;                                 /* the socket to the master */
    int log_wake; /* the eventfd by which workers wake it */
    int listener; /* the control socket; -1: none */
    struct board *board;
    const struct config *config;
    struct addresses *addresses; /* what names meant at start-up */
    struct bundles *bundles;     /* of the scripts of checks */
    struct log_output *logs;
    const int *stats; /* the sockets of [stats], in order */
    int stats_link;   /* where workers hand requests to them in */
};

/* What belongs to one of them. */
struct control_part {
    const struct config *config;
    struct addresses addresses; /* of one that was staged */
    struct bundles bundles;     /* likewise */
    struct log_output *logs;
    struct log_output own_logs; /* likewise */
    struct check_scripts scripts;
};

struct control_config {
    const struct control_conf *conf;
    struct loop *loop;
    struct health *health;
    struct server_names names;
    struct stats_server *stats; /* control's: it is staged with the rest */
    struct control_part *now;
    struct control_part *staged; /* or NULL */
    bool pending;                /* one is to be staged */
    int record;                  /* of it; -1: it has not come */
    struct fd_places logs;       /* of it, that have come */
    void (*use_logs)(void *arg, struct log_output *logs);
    void *use_logs_arg;
    struct config_stage stage;
};

/* Begins with what control was started with. USE_LOGS is told of other logs,
 * which take the place of those that were there, before those are closed. 0, or
 * -1 with errno. */
int
control_config_start(struct control_config *c, const struct control_conf *conf,
                     struct loop *loop, struct stats_server *stats,
                     void (*use_logs)(void *arg, struct log_output *logs),
                     void *arg) MUST_CHECK;
void control_config_stop(struct control_config *c);

/* Closes what has to be open until the last line is written. */
void control_config_fini(struct control_config *c);

/* The scripts of checks; NULL: there are none. */
struct scripts *control_config_scripts(const struct control_config *c);

/* What M, CONFIG or LOG_TARGET, brings; its descriptors are taken. */
void control_config_message(struct control_config *c, const struct message *m);

#endif
