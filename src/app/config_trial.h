/* SPDX-License-Identifier: MIT */
/*
 * Trying a whole configuration in the process that is thrown away (trial.h):
 * everything that `check` looks at, and a record of it for those who are to
 * serve it.
 *
 *     read, with privileges ─▶ load, without ─▶ write: the record
 */
#ifndef APP_CONFIG_TRIAL_H
#define APP_CONFIG_TRIAL_H

#include "base/buf.h"
#include "base/mem.h"

struct bundles;
struct config;
struct config_trial;

/* Reads FILE and what it names. */
struct config_trial *
config_trial_read(const char *file) __attribute__((returns_nonnull)) MUST_CHECK;

/* Loads its scripts, whose bundles are added to SET, and looks its names up. 0;
 * or -1, and WORDS have all that is wrong with it, a line each. */
int config_trial_load(struct config_trial *t, struct bundles *set,
                      struct buf *words) MUST_CHECK;

/* What was read; complete once it is loaded. */
const struct config *config_trial_config(const struct config_trial *t);

/* Writes the record to the memfd FD; -1 with errno. */
int config_trial_write(const struct config_trial *t, int fd) MUST_CHECK;

#endif
