/* SPDX-License-Identifier: MIT */
#include "script/saved.h"

#include <lauxlib.h>
#include <stdio.h>

#include "script/outcast.h"
#include "script/report.h"
#include "script/script.h"
#include "script/vm.h"

/* Takes what is on the top of the stack off. */
static int
refuse(lua_State *L, const char *before, char *why, size_t size)
{
    (void)snprintf(why, size, "%s: %s", before, lua_tostring(L, -1));
    lua_pop(L, 1);
    return -1;
}

int
saved_push(struct vm *vm, struct script *old, char *why, size_t size)
{
    lua_State *L = vm->L;

    if (old == NULL || old->hooks[SCRIPT_HOOK_SAVE] == LUA_NOREF ||
        outcast_holds(old)) {
        lua_pushnil(L);
        return 0;
    }
    lua_pushvalue(L, VM_TAKE_SAVED);
    lua_rawgeti(L, LUA_REGISTRYINDEX, old->hooks[SCRIPT_HOOK_SAVE]);
    report_call(old, SCRIPT_HOOK_SAVE);
    if (vm_try(vm, 1, 2) < 0)
        return refuse(L, "save of the version before failed", why, size);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return 0;
    }
    lua_remove(L, -2);
    return refuse(L, "save", why, size);
}
