/* SPDX-License-Identifier: MIT */
#include "script/coroutine.h"

#include <lauxlib.h>

/* Its address is the key in the registry. */
static char registry_key;

void
coroutines_init(struct coroutines *out, lua_State *L)
{
    *out = (struct coroutines){.L = L};
    lua_pushlightuserdata(L, &registry_key);
    lua_pushlightuserdata(L, out);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

struct coroutines *
coroutines_of(lua_State *L)
{
    struct coroutines *all;

    lua_pushlightuserdata(L, &registry_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    all = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return all;
}

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
coroutine_take(struct coroutine *out, struct coroutines *all)
{
    struct coroutine made = {.L = NULL};

    if (all->spare_count > 0) {
        *out = all->spare[--all->spare_count];
        return 0;
    }
    if (lua_cpcall(all->L, make, &made) != 0) {
        lua_pop(all->L, 1);
        return -1;
    }
    *out = made;
    return 0;
}

void
coroutine_give(struct coroutines *all, struct coroutine coroutine)
{
    if (all->spare_count == COROUTINES_KEPT) {
        coroutine_drop(all, coroutine);
        return;
    }
    lua_settop(coroutine.L, 0);
    all->spare[all->spare_count++] = coroutine;
}

void
coroutine_drop(struct coroutines *all, struct coroutine coroutine)
{
    luaL_unref(all->L, LUA_REGISTRYINDEX, coroutine.ref);
}
