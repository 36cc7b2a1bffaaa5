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

void
section_client_full(struct section_client *client)
{
    client->flags = "PC";
    client->reason = "the section has its max_connections";
    client->full = true;
}
