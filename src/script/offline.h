/* SPDX-License-Identifier: MIT */
/*
 * The specs of scripts, run without a server: busted within the one VM, beside
 * this floor's own modules.  A spec is trusted and has all of Lua; the scripts
 * that it loads live in their sandbox, as ever.
 *
 *     offline.lua: moongate.test, busted ── the functions of offline.c
 *          │                                    │
 *     literal servers, flows, peers        script_load, verdict_read,
 *                                          exchanges of the real core
 *
 * No loop turns, so the clock stands still until a spec moves it.
 */
#ifndef SCRIPT_OFFLINE_H
#define SCRIPT_OFFLINE_H

#include "base/mem.h"

struct engine;
struct scripts;

/* What a run stands on. */
struct offline_conf {
    struct scripts *scripts; /* whose folders the scripts are in */
    struct engine *engine;   /* for requests: buffers, no loop */
    const char *folder;      /* an empty one for what specs put into files */
    char *const *files;      /* the scripts whose specs are run */
    int count;
};

/* Runs the specs beside each script.  SCRIPTS is of a runtime whose first
 * section is of HTTP: requests are that section's.  Returns whether there were
 * specs for all of them, and all have passed: 0, or -1.  What is wrong is
 * written to stdout and stderr; log lines are the specs' to read, until it
 * returns. */
int offline_run(const struct offline_conf *conf) MUST_CHECK;

#endif
