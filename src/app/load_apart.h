/* SPDX-License-Identifier: MIT */
/*
 * Scripts are loaded once at a start, to find what is wrong with them before
 * anything is opened. Where that would be as root, who is given up before
 * scripts serve, a process of its own does it as the user that they will have:
 *
 *     fork ─▶ drop ─▶ load ─▶ bundles, faults ─▶ gone
 */
#ifndef APP_LOAD_APART_H
#define APP_LOAD_APART_H

#include "base/mem.h"

struct bundles;
struct faults;
struct privileges;
struct runtime;

/* Loads those of RUNTIME as P says, with what ships in the folder DATA, and
 * adds their bytes to BUNDLES. 0, or -1 and FAULTS. */
int load_apart(struct runtime *runtime, const char *data,
               const struct privileges *p, struct bundles *bundles,
               struct faults *faults) MUST_CHECK;

#endif
