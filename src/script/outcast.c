/* SPDX-License-Identifier: MIT */
#include "script/outcast.h"

#include <lauxlib.h>

#include "script/guard.h"
#include "script/quarantine.h"
#include "script/timers.h"
#include "script/vm.h"

/* Takes away all that keeps the script's values.  Its hooks are there in name
 * still, so that they are known to be missing. */
static void
empty(struct script *script)
{
    struct vm *vm = script->owner->vm;

    timers_stop(script);
    for (size_t i = 0; i < SCRIPT_HOOK_COUNT; i++) {
        if (script->hooks[i] == LUA_NOREF)
            continue;
        lua_pushboolean(vm->L, 0);
        lua_rawseti(vm->L, LUA_REGISTRYINDEX, script->hooks[i]);
    }
    vm_release(vm, script->state);
    script->state = LUA_NOREF;
}

bool
outcast_holds(struct script *script)
{
    if (!quarantine_holds(script))
        return guard_has_struck(script);
    if (strikes_verdict(script->standing) == STRIKE_MEMORY)
        empty(script);
    return true;
}
