/* SPDX-License-Identifier: MIT */
#include "script/takeover.h"

#include <string.h>

#include "script/bundle.h"
#include "script/life.h"
#include "script/outcast.h"
#include "script/quarantine.h"
#include "script/script.h"

struct script *
takeover_find(const struct scripts *before, const struct script *script)
{
    if (before == NULL)
        return NULL;
    list_for_each(node, &before->list)
    {
        struct script *old = container_of(node, struct script, link);

        if (old->phase == SCRIPT_SERVES && old->use == script->use &&
            strcmp(old->name, script->name) == 0 &&
            strcmp(old->user, script->user) == 0)
            return old;
    }
    return NULL;
}

/* The same bytes stay quarantined. */
static bool
is_another(const struct script *script)
{
    return script->old == NULL || script->old->bundle == NULL ||
           script->bundle == NULL ||
           !bundle_equals(script->old->bundle, script->bundle);
}

static void
retire_all(struct scripts *before)
{
    list_for_each(node, &before->list)
    {
        struct script *script = container_of(node, struct script, link);

        if (script->phase == SCRIPT_SERVES)
            script_retire(script);
    }
}

void
scripts_take_over(struct scripts *scripts, struct scripts *before)
{
    if (before != NULL)
        retire_all(before);
    scripts_set_limits(scripts);
    list_for_each(node, &scripts->list)
    {
        struct script *script = container_of(node, struct script, link);

        if (is_another(script))
            script_lift(script);
        script_serve(script);
    }
    scripts->before = NULL;
}
