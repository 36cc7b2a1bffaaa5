/* SPDX-License-Identifier: MIT */
#include "config/script_files.h"

#include <stdio.h>

struct str
script_files_policy(char text[SCRIPT_FILES_MAX],
                    const struct upstream_conf *conf)
{
    if (conf->policy_is_path)
        return conf->policy;
    (void)snprintf(text, SCRIPT_FILES_MAX, "policy/" STR_FMT ".lua",
                   STR_ARG(conf->policy));
    return str_from(text);
}

bool
script_files_has_check(const struct upstream_conf *conf)
{
    return conf->check.kind == CHECK_LUA && conf->check.script.p != NULL;
}
