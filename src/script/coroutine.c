/* SPDX-License-Identifier: MIT */
#include "script/coroutine.h"

#include <lauxlib.h>

#include "script/vm.h"

/* Runs protected, since it needs memory. */
static int
make(lua_State *L)
{
    struct coroutine *out = lua_touserdata(L, 1);
    lua_State *made = lua_newthread(L);

    out->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    out->L = made;
    return 0;
}

int
coroutine_take(struct coroutine *out, struct vm *vm)
{
    struct coroutine made = {.L = NULL};

    if (vm->coroutine_count > 0) {
        *out = vm->coroutines[--vm->coroutine_count];
        return 0;
    }
    if (lua_cpcall(vm->L, make, &made) != 0) {
        lua_pop(vm->L, 1);
        return -1;
    }
    *out = made;
    return 0;
}

void
coroutine_give(struct vm *vm, struct coroutine coroutine)
{
    if (vm->coroutine_count == COROUTINES_KEPT) {
        coroutine_drop(vm, coroutine);
        return;
    }
    lua_settop(coroutine.L, 0);
    vm->coroutines[vm->coroutine_count++] = coroutine;
}

void
coroutine_drop(struct vm *vm, struct coroutine coroutine)
{
    vm_release(vm, coroutine.ref);
}
