/* SPDX-License-Identifier: MIT */
/*
 * Which files the scripts of an upstream are, as script_trust and the log name
 * them.
 */
#ifndef CONFIG_SCRIPT_FILES_H
#define CONFIG_SCRIPT_FILES_H

#include <stdbool.h>

#include "config/model.h"

enum {
    SCRIPT_FILES_MAX = 512, /* bytes of "policy/NAME.lua" */
};

/* The file of an upstream's policy, which TEXT holds where it is made. */
struct str script_files_policy(char text[SCRIPT_FILES_MAX],
                               const struct upstream_conf *conf);

/* Has it a script that checks its servers?  Where the key is at fault there is
 * no file. */
bool script_files_has_check(const struct upstream_conf *conf);

#endif
