/* SPDX-License-Identifier: MIT */
/*
 * From the configuration's file to what can serve, the same for `check`, the
 * master and the workers. What is wrong anywhere on the way is a fault.
 *
 *     file ── config_read ──▶ config ── runtime_new ──▶ runtime
 */
#ifndef APP_SETUP_H
#define APP_SETUP_H

#include <stdio.h>

#include "app/privileges.h"
#include "config/faults.h"
#include "config/model.h"

struct engine;
struct runtime;

/* All that a configuration is checked for by making it. */
struct setup {
    const struct config *config; /* NULL: it could not be read */
    struct privileges privileges;
    struct runtime *runtime; /* without an engine; NULL after a fault */
};

/* Reads FILE, looks up users and addresses. 0, or -1 with all
 * FAULTS, sorted. End with setup_fini either way. */
int setup_init(struct setup *setup, const char *file,
               struct faults *faults) MUST_CHECK;
void setup_fini(struct setup *setup);

/* Makes CONFIG live for ENGINE (or NULL); NULL and FAULTS if something is
 * wrong. */
struct runtime *
setup_runtime(struct engine *engine, const struct config *config,
              struct faults *faults) MUST_CHECK;

/* Writes every fault as "FILE:LINE: text". */
void setup_print_faults(const struct faults *faults, FILE *out);

#endif
