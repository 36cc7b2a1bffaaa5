/* SPDX-License-Identifier: MIT */
#include "proxy/section.h"

#include <stdio.h>

struct str
section_row_name(char *text, const struct section_conf *conf)
{
    int len = snprintf(text, SECTION_ROW_NAME, "%s " STR_FMT,
                       section_kind_name(conf->kind), STR_ARG(conf->name));

    return str_make(text, (size_t)len);
}
