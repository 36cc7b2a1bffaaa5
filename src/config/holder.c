/* SPDX-License-Identifier: MIT */
/* The life of a configuration. */
#include "config/holder.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"

enum {
    ARENA_BLOCK = 16 * 1024, /* a usual configuration fits in it */
};

struct holder *
holder_new(void)
{
    struct holder *holder = xcalloc(1, sizeof(*holder));

    holder->refs = 1;
    arena_init(&holder->arena, ARENA_BLOCK);
    return holder;
}

static struct holder *
holder_of(const struct config *config)
{
    return container_of(config, struct holder, config);
}

const struct config *
config_ref(const struct config *config)
{
    holder_of(config)->refs++;
    return config;
}

void
config_unref(const struct config *config)
{
    struct holder *holder;

    if (config == NULL)
        return;
    holder = holder_of(config);
    assert(holder->refs > 0);
    if (--holder->refs > 0)
        return;
    arena_fini(&holder->arena);
    free(holder);
}
