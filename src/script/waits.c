/* SPDX-License-Identifier: MIT */
#include "script/waits.h"

#include <lauxlib.h>

#include "script/task.h"

static int
begin(lua_State *L)
{
    const char *why = NULL;
    struct task *task = task_of(L, &why);

    lua_pushstring(L, why);
    if (task != NULL)
        task_begin_wait(task);
    return 1;
}

static int
sleep_for(lua_State *L)
{
    const char *why = NULL;
    struct task *task = task_of(L, &why);
    lua_Number ms = luaL_checknumber(L, 1);

    if (task == NULL)
        return luaL_error(L, "sleep waits, and %s", why);
    if (!task->late)
        return task_wait(task, L, (uint64_t)ms);
    lua_pushboolean(L, 1);
    return 1;
}

static int
is_hook(lua_State *L)
{
    const struct task *task = coroutines_of(L)->running;

    lua_pushboolean(L, task != NULL && task->coroutine.L == L);
    return 1;
}

int
waits_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"begin", begin},
        {"sleep", sleep_for},
        {"is_hook", is_hook},
        {NULL, NULL},
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
