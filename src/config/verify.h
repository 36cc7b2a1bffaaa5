/* SPDX-License-Identifier: MIT */
/*
 * What no single line shows: whether the parts of a configuration fit together.
 */
#ifndef CONFIG_VERIFY_H
#define CONFIG_VERIFY_H

#include "config/document.h"

/* Adds a fault for everything in CONFIG, built from DOC, that is missing,
 * doubled, or contradicts another part. */
void verify_config(const struct config *config, const struct document *doc);

#endif
