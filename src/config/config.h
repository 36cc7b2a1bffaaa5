/* SPDX-License-Identifier: MIT */
/*
 * The way in: a file becomes a configuration, or a list of faults.
 *
 *     file, include -> document -> build -> verify -> struct config
 *                          |         |         |
 *                          '---------+---------+----> struct faults
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/faults.h"
#include "config/model.h"

/* Reads the file at PATH and all that it includes. 0; -1 when there was a
 * fault, and FAULTS then has all of them, in order. *OUT holds one reference
 * either way; with faults it is incomplete, and only good for finding more of
 * them. Files are only read, names are not looked up, scripts not loaded. */
int config_read(const struct config **out, const char *path,
                struct faults *faults) MUST_CHECK;

#endif
