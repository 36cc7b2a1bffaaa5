/* SPDX-License-Identifier: MIT */
/*
 * All scripts of a configuration take the place of those of the one before, in
 * a process that goes on meanwhile: they are loaded beside them, with what
 * `save` of the same use gives, and serve from one point on. What began before
 * ends on the old ones.
 */
#ifndef SCRIPT_TAKEOVER_H
#define SCRIPT_TAKEOVER_H

#include <stdbool.h>

#include "base/mem.h"

struct bundles;
struct faults;
struct runtime;
struct script;
struct scripts;

/* As scripts_load, for a RUNTIME that is to take the place of that of BEFORE.
 * CHECKS: those of checks are meant instead, as scripts_load_checks does, but
 * one that cannot be loaded refuses all. They do not serve yet; to be freed by
 * scripts_free if they never will. */
struct scripts *
scripts_load_beside(struct runtime *runtime, const char *data_dir,
                    struct bundles *bundles, struct scripts *before,
                    bool checks, struct faults *faults) MUST_CHECK;

/* They serve, and BEFORE's are retired; it cannot fail. BEFORE may be NULL. */
void scripts_take_over(struct scripts *scripts, struct scripts *before);

/* The script of BEFORE that has the same file for the same use; NULL. */
struct script *
takeover_find(const struct scripts *before, const struct script *script);

#endif
