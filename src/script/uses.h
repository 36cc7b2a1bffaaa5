/* SPDX-License-Identifier: MIT */
/*
 * Who uses which script: what a configuration says of a policy, a check and a
 * section's chain, as orders to load them.
 */
#ifndef SCRIPT_USES_H
#define SCRIPT_USES_H

#include <stdbool.h>

#include "config/script_files.h"
#include "script/load.h"

struct section_conf;

/* Orders of an upstream's policy and check; false: there is none, or its key is
 * at fault.  TEXT lives as long as OUT. */
bool uses_policy(struct script_order *out, char text[SCRIPT_FILES_MAX],
                 struct upstream *upstream);
bool uses_check(struct script_order *out, struct upstream *upstream);

/* The order of a section's script number I. */
void uses_section(struct script_order *out, const struct section_conf *conf,
                  size_t i);

/* The script that checks the servers of UPSTREAM now; NULL: it is not there. */
struct script *uses_find_check(const struct scripts *scripts,
                               const struct upstream_conf *upstream);

#endif
