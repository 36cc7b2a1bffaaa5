/* SPDX-License-Identifier: MIT */
/* A configuration with what keeps it: its arena and its users. */
#ifndef CONFIG_HOLDER_H
#define CONFIG_HOLDER_H

#include "base/arena.h"
#include "config/model.h"

struct holder {
    unsigned refs;
    struct arena arena;
    struct config config;
};

/* An empty configuration with one reference: config_unref frees it. */
struct holder *holder_new(void) __attribute__((returns_nonnull));

#endif
