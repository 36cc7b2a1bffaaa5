/* SPDX-License-Identifier: MIT */
/*
 * A section that serves: [http], [tcp] or [mysql], made live.  What the three
 * have in common is here; struct http_section begins with it.
 */
#ifndef PROXY_SECTION_H
#define PROXY_SECTION_H

#include "config/model.h"
#include "proxy/hook.h"

struct runtime;
struct upstream;

struct section {
    struct runtime *runtime;
    const struct section_conf *conf;
    unsigned row;              /* on the board */
    struct upstream *upstream; /* tcp and mysql: the default one */
    struct section_hooks hooks;
};

#endif
