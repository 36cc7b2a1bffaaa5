/* SPDX-License-Identifier: MIT */
/* The part of verifying that is about MySQL sessions that are followed. */
#ifndef CONFIG_VERIFY_VISIBLE_H
#define CONFIG_VERIFY_VISIBLE_H

#include "config/document.h"

/* Warns of sections of CONFIG whose records tell what is counted with
 * visible = on, and that do not count. */
void verify_visible_warn(const struct config *config, struct faults *faults);

#endif
