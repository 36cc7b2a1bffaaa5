/* SPDX-License-Identifier: MIT */
#include "script/life.h"

#include <stdlib.h>

#include "script/bundle.h"
#include "script/outcast.h"
#include "script/quarantine.h"
#include "script/timers.h"
#include "script/vm.h"

struct script *
script_ref(struct script *script)
{
    script->users++;
    return script;
}

void
script_unref(struct script *script)
{
    if (script != NULL && --script->users == 0)
        script_free(script);
}

void
script_free(struct script *script)
{
    struct vm *vm = script->owner->vm;

    timers_stop(script);
    for (size_t i = 0; i < SCRIPT_HOOK_COUNT; i++)
        vm_release(vm, script->hooks[i]);
    vm_release(vm, script->state);
    vm_release(vm, script->servers);
    bundle_unref(script->bundle);
    list_remove(&script->link);
    free(script);
}

void
script_serve(struct script *script)
{
    script->phase = SCRIPT_SERVES;
    script->old = NULL;
    timers_start(script);
}

void
script_retire(struct script *script)
{
    if (quarantine_holds(script))
        outcast_expel(script);
    script->phase = SCRIPT_RETIRED;
    timers_stop(script);
}
