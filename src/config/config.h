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

struct sources;

/* Reads the file at PATH and all that it includes. *OUT holds one reference
 * either way. 0; -1 when there was a fault: FAULTS then has all of them, in
 * order, and *OUT is without whatever was at fault: no more than something to
 * look for further faults in. Warnings come either way. Files are only read,
 * names are not looked up, scripts not loaded. */
int config_read(const struct config **out, const char *path,
                struct faults *faults) MUST_CHECK;

/* The same, asking SOURCES for what the disk has. */
int config_read_from(const struct config **out, const char *path,
                     struct sources *sources, struct faults *faults) MUST_CHECK;

#endif
