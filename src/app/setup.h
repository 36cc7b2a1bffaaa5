/* SPDX-License-Identifier: MIT */
/*
 * From the configuration's file to what can serve, the same for `check`, the
 * master and the workers. What is wrong anywhere on the way is a fault.
 *
 *     file ── config_read ──▶ config ── runtime_new, scripts_load ──▶ service
 */
#ifndef APP_SETUP_H
#define APP_SETUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "app/privileges.h"
#include "base/buf.h"
#include "config/faults.h"
#include "config/model.h"

struct addresses;
struct bundles;
struct engine;
struct runtime;
struct scripts;
struct sources;

/* The folder of what ships with the program, whose folder "lua" has the
 * scripts; written to FOLDER or not. */
const char *setup_find_data(char folder[PATH_MAX]);

/* A configuration made live. */
struct service {
    struct runtime *runtime;
    struct scripts *scripts;
};

/* Makes CONFIG live for ENGINE (or NULL: nothing will be served), scripts
 * included, with the ADDRESSES that are known and the BUNDLES of scripts, to
 * which those that are not known are added (scripts_load). 0, or -1 and FAULTS
 * if something is wrong. */
int service_init(struct service *service, struct engine *engine,
                 const struct config *config, struct addresses *addresses,
                 struct bundles *bundles, struct faults *faults) MUST_CHECK;

/* Loads the scripts of RUNTIME, or those of checks alone, to take the place of
 * BEFORE's (scripts_load_beside). NULL with FAULTS. */
struct scripts *
setup_load_beside(struct runtime *runtime, struct bundles *bundles,
                  struct scripts *before, bool checks,
                  struct faults *faults) MUST_CHECK;

/* The same with the scripts of checks alone, for control. What is wrong by now
 * is left out: the rest is as good as it was. */
void
service_init_checks(struct service *service, struct engine *engine,
                    const struct config *config, struct addresses *addresses,
                    struct bundles *bundles, struct faults *faults);

/* Loads new versions of the COUNT scripts of these names from disk, as
 * service_init does without an engine, and adds what they are to SET
 * (scripts_try). 0, or -1 and FAULTS. */
int service_try(const struct config *config, struct addresses *addresses,
                const char *const *names, size_t count, struct bundles *set,
                struct faults *faults) MUST_CHECK;
void service_fini(struct service *service);

/* All that a configuration is checked for by making it. */
struct setup {
    const struct config *config; /* what is right of it */
    struct privileges privileges;
    struct service service; /* without an engine */
};

/* Reads FILE from SOURCES, looks up users and ADDRESSES, loads scripts, whose
 * BUNDLES are recorded: every step, whatever the one before has found. 0, or -1
 * with all FAULTS, sorted, and nothing to be served. End with setup_fini either
 * way. */
int setup_init(struct setup *setup, const char *file, struct sources *sources,
               struct addresses *addresses, struct bundles *bundles,
               struct faults *faults) MUST_CHECK;
void setup_fini(struct setup *setup);

/* Writes every fault as "FILE:LINE: text", and the warnings among them. */
void setup_print_faults(const struct faults *faults, FILE *out);

/* The same without warnings, to OUT. */
void setup_write_faults(const struct faults *faults, struct buf *out);

/* Logs every fault as an error, and every warning as one. */
void setup_log_faults(const struct faults *faults);

#endif
