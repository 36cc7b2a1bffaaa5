/* SPDX-License-Identifier: MIT */
#include "script/tables.h"

#include <stdlib.h>

#include "script/hooks.h"
#include "script/life.h"

static void
free_policy(void *table)
{
    struct policy_hooks *hooks = table;

    script_unref(hooks->arg);
    free(hooks);
}

struct policy_hooks *
tables_new_policy(struct script *script)
{
    struct policy_hooks *hooks = calloc(1, sizeof(*hooks));

    if (hooks == NULL)
        return NULL;
    hooks_fill_policy(hooks, script);
    hooks->hold.unused = free_policy;
    return policy_hooks_hold(hooks);
}

struct script_chain *
tables_new_chain(const struct section_conf *conf)
{
    struct script_chain *chain = calloc(
        1, sizeof(*chain) + conf->script_count * sizeof(struct script *));

    if (chain != NULL)
        chain->failure = conf->script_failure;
    return chain;
}

void
tables_free_chain(struct script_chain *chain)
{
    if (chain == NULL)
        return;
    for (unsigned i = 0; i < chain->count; i++)
        script_unref(chain->scripts[i]);
    free(chain);
}

static void
free_section(void *table)
{
    struct section_hooks *hooks = table;

    tables_free_chain(hooks->arg);
    free(hooks);
}

struct section_hooks *
tables_new_section(struct script_chain *chain)
{
    struct section_hooks *hooks = calloc(1, sizeof(*hooks));

    if (hooks == NULL)
        return NULL;
    hooks_fill_section(hooks, chain);
    hooks->hold.unused = free_section;
    return section_hooks_hold(hooks);
}
