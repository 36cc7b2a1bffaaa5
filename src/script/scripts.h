/* SPDX-License-Identifier: MIT */
/*
 * The way in: all scripts of a configuration, loaded and put where the proxy
 * calls them.
 */
#ifndef SCRIPT_SCRIPTS_H
#define SCRIPT_SCRIPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "config/model.h"

struct board;
struct bundles;
struct faults;
struct resolver;
struct runtime;
struct scripts;

/* Loads every script that RUNTIME's configuration names, and fills the hooks of
 * its sections and upstreams; those of checks only where nothing is served (no
 * engine), to see what is wrong with them.  What BUNDLES has of a script is
 * taken from there; what it has not, is looked for in script_path, then in
 * DATA_DIR/lua, and recorded in it.  Where BUNDLES is NULL, nothing is kept,
 * and a bundle's limits (bundle.h) do not hold: for `moongate test`.  Every
 * fault is added to FAULTS; where there was one, nothing is filled and NULL is
 * returned.  The runtime and BUNDLES must outlive the result. */
struct scripts *
scripts_load(struct runtime *runtime, const char *data_dir,
             struct bundles *bundles, struct faults *faults) MUST_CHECK;

/* Loads the scripts of the checks alone, for control. Those that cannot be
 * loaded any more are left out, and FAULTS say why. */
struct scripts *
scripts_load_checks(struct runtime *runtime, const char *data_dir,
                    struct bundles *bundles, struct faults *faults) MUST_CHECK;

/* Loads all uses of the COUNT scripts of these names, from disk, for a RUNTIME
 * without an engine, and lets them go again; the bundles of what was read are
 * added to SET, which is empty, and sealed.  For a process that is thrown away:
 * 0; or -1, and FAULTS have all that is wrong with them. */
int scripts_try(struct runtime *runtime, const char *data_dir,
                const char *const *names, size_t count, struct bundles *set,
                struct faults *faults) MUST_CHECK;

/* Has scripts that wait look names up by RESOLVER, which must outlive them;
 * NULL: they know addresses only. */
void scripts_use_resolver(struct scripts *scripts, struct resolver *resolver);

/* Does any upstream have its servers checked by a script? */
bool scripts_have_checks(const struct config *conf);

/* Empties the runtime's hooks and gives all scripts back. NULL does nothing. */
void scripts_free(struct scripts *scripts);

/* Calls FN with the name of the row of every script that CONF names, which may
 * be more than once; -1 ends it, and is returned. */
typedef int (*scripts_row_fn)(void *arg, struct board *board, struct str name);
int scripts_each_row(const struct config *conf, scripts_row_fn fn,
                     struct board *board, void *arg) MUST_CHECK;

/* How many rows that takes at most. */
unsigned scripts_count(const struct config *conf);

/* Copies the words that LuaJIT has for the version in use to TEXT, cut to
 * SIZE; returns TEXT. */
const char *scripts_version(char *text, size_t size);

#endif
