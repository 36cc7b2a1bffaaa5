/* SPDX-License-Identifier: MIT */
#include "script/life.h"

#include <lauxlib.h>
#include <string.h>

#include "script/bundle.h"
#include "script/outcast.h"
#include "script/quarantine.h"
#include "script/timers.h"
#include "script/vm.h"

/* Runs protected, since it needs memory: makes one, for *OUT. */
static int
make(lua_State *L)
{
    struct script **out = lua_touserdata(L, 1);
    struct script *script = lua_newuserdata(L, sizeof(*script));

    memset(script, 0, sizeof(*script));
    script->self = luaL_ref(L, LUA_REGISTRYINDEX);
    *out = script;
    return 0;
}

struct script *
script_new(struct vm *vm)
{
    struct script *script = NULL;

    if (lua_cpcall(vm->L, make, &script) != 0) {
        lua_pop(vm->L, 1);
        return NULL;
    }
    script->users = 1;
    list_init(&script->link);
    list_init(&script->timers);
    for (size_t i = 0; i < SCRIPT_HOOK_COUNT; i++)
        script->hooks[i] = LUA_NOREF;
    script->state = script->servers = LUA_NOREF;
    return script;
}

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
    script->bundle = NULL;
    list_remove(&script->link);
    script->phase = SCRIPT_GONE;
    vm_release(vm, script->self);
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
