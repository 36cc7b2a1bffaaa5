/* SPDX-License-Identifier: MIT */
/*
 * The scripts that check servers, in the control process: a VM is made only
 * where the configuration has such checks.
 */
#ifndef APP_CHECK_SCRIPTS_H
#define APP_CHECK_SCRIPTS_H

#include <stdbool.h>

#include "app/setup.h"
#include "proxy/engine.h"

struct addresses;
struct board;
struct bundles;
struct config;
struct faults;
struct loop;
struct resolver;

struct check_scripts {
    bool in_use; /* there are some */
    struct engine engine;
    struct service service;
};

/* Loads those of CONFIG, which look names up by RESOLVER; what is wrong with
 * one is logged, and its checks fail. ADDRESSES: what names meant at start-up;
 * BUNDLES: what the scripts were.
 * Before health is started. */
void check_scripts_start(struct check_scripts *scripts, struct loop *loop,
                         struct board *board, const struct config *config,
                         struct addresses *addresses, struct bundles *bundles,
                         struct resolver *resolver);

/* Loads those of CONFIG to take the place of BEFORE's. 0; or -1 with FAULTS,
 * and there is nothing to be stopped. */
int check_scripts_stage(struct check_scripts *scripts, struct loop *loop,
                        struct board *board, const struct config *config,
                        struct addresses *addresses, struct bundles *bundles,
                        const struct check_scripts *before,
                        struct faults *faults) MUST_CHECK;

/* They do, and BEFORE is stopped; while there is no health. */
void check_scripts_take_over(struct check_scripts *scripts,
                             struct check_scripts *before,
                             struct resolver *resolver);

/* They will not. */
void check_scripts_drop(struct check_scripts *scripts);

/* After health has ended. */
void check_scripts_stop(struct check_scripts *scripts);

#endif
