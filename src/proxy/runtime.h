/* SPDX-License-Identifier: MIT */
/*
 * The runtime: one configuration made live in one process.  Names are
 * resolved, expressions compiled, sections sorted under their listeners,
 * board rows found.  It is immutable and counted: a session keeps a reference
 * to the runtime that it began with.
 *
 *      struct config ──runtime_new──▶ upstreams, sections, listeners
 *                                            │
 *            descriptors from the master ────┴──▶ serve_start (serve.h)
 */
#ifndef PROXY_RUNTIME_H
#define PROXY_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/model.h"

struct addresses;
struct engine;
struct faults;
struct file_cache;
struct listener;
struct section;
struct section_counters;
struct upstream;

struct runtime {
    unsigned refs;
    const struct config *conf; /* a reference of its own */
    struct engine *engine;     /* NULL where nothing is served: check, master */
    struct upstream *upstreams;
    size_t upstream_count;
    struct map upstream_names;
    struct file_cache *files;  /* open files, for all http sections */
    struct section **sections; /* http, tcp and mysql, in the file's order */
    size_t section_count;
    struct listener *listeners; /* distinct addresses, in the file's order */
    size_t listener_count;
};

/* Makes CONF live.  ENGINE may be NULL (check and the master: nothing will be
 * served).  Names that ADDRESSES knows are not looked up again, and the others
 * are known to it afterwards; with an ENGINE, those of servers are not looked
 * up at all, but read from its board.  Every fault is added to FAULTS, but none
 * that CONF's own explain; if there is one, of either kind, the result can be
 * looked at for further ones, but not served.  CONF is referenced, not taken
 * over. Start-up only. */
struct runtime *runtime_new(struct engine *engine, const struct config *conf,
                            struct addresses *addresses, struct faults *faults)
    __attribute__((returns_nonnull)) MUST_CHECK;

struct runtime *runtime_ref(struct runtime *runtime);
void runtime_unref(struct runtime *runtime);

/* The address of listener I, for whoever opens its socket, and its text. */
const struct addr *
runtime_listener_addr(const struct runtime *runtime, size_t i);
const char *runtime_listener_text(const struct runtime *runtime, size_t i);

/* Finds an upstream by name; NULL when there is none. */
struct upstream *
runtime_find_upstream(const struct runtime *runtime, struct str name);

/* What this worker has counted for SECTION, which is served. */
struct section_counters *
runtime_section_counters(const struct section *section);

/* The listener of this address, or NULL. */
struct listener *
runtime_find_listener(const struct runtime *runtime, const struct addr *addr);

/* Another one has taken its place: what its sessions leave is not kept. */
void runtime_retire(struct runtime *runtime);

#endif
