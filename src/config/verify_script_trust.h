/* SPDX-License-Identifier: MIT */
/*
 * script_trust names scripts that are used: a name that nobody uses is one that
 * was written otherwise where it is.
 */
#ifndef CONFIG_VERIFY_SCRIPT_TRUST_H
#define CONFIG_VERIFY_SCRIPT_TRUST_H

#include "config/document.h"

/* Adds a fault for each name in CONFIG, made of DOC, that nobody uses. */
void
verify_script_trust(const struct config *config, const struct document *doc);

#endif
