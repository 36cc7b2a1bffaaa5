/* SPDX-License-Identifier: MIT */
/*
 * The self-test of scripts that are tried: the specs beside them, in a process
 * of their own, so that what they leave in files is removed however they end.
 */
#ifndef APP_TRIAL_SPECS_H
#define APP_TRIAL_SPECS_H

#include "base/mem.h"

struct bundles;
struct config;

/* Runs the specs of every script in SET, if CONFIG wants it; scripts without
 * any pass. 0, or -1; what they print, and why they ended, is written to WORDS.
 */
int trial_test(const struct config *config, const struct bundles *set,
               int words) MUST_CHECK;

#endif
