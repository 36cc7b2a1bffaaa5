/* SPDX-License-Identifier: MIT */
#include "script/json.h"

#include <lauxlib.h>
#include <stdbool.h>

/* The metatable of arrays is the upvalue of the module's functions. */
enum {
    UPVALUE_ARRAY = 1,
};

static int
decode(lua_State *L)
{
    struct str text;
    const char *why;
    size_t at = 0;

    text.p = luaL_checklstring(L, 1, &text.len);
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(UPVALUE_ARRAY));
    why = text.len > JSON_TEXT_MAX ? "the text is too large"
                                   : json_decode(&at, L, text, 2);
    if (why == NULL)
        return 1;
    lua_pushnil(L);
    lua_pushfstring(L, "%s at byte %d", why, (int)at + 1);
    return 2;
}

/* The collector gives back the memory of a text that was not finished, as when
 * there is no more memory. */
static int
free_buf(lua_State *L)
{
    buf_fini(lua_touserdata(L, 1));
    return 0;
}

static struct buf *
new_buf(lua_State *L)
{
    struct buf *out = lua_newuserdata(L, sizeof(*out));

    buf_init_growing(out, JSON_TEXT_MAX);
    if (luaL_newmetatable(L, "script.json.buf")) {
        lua_pushcfunction(L, free_buf);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return out;
}

static int
encode(lua_State *L)
{
    struct buf *out;
    const char *why;
    bool misused = false;

    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(UPVALUE_ARRAY));
    out = new_buf(L);
    lua_pushvalue(L, 1);
    why = json_encode(out, &misused, L, 2);
    if (why == NULL && out->failed)
        why = "the text is too large";
    if (why != NULL) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        lua_pushboolean(L, misused);
        buf_fini(out);
        return 3;
    }
    lua_pushlstring(L, out->p, out->len);
    buf_fini(out);
    return 1;
}

/* false: the table has a metatable of its own. */
static int
array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (lua_getmetatable(L, 1) &&
        !lua_rawequal(L, -1, lua_upvalueindex(UPVALUE_ARRAY))) {
        lua_pushboolean(L, 0);
        return 1;
    }
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(UPVALUE_ARRAY));
    lua_setmetatable(L, 1);
    return 1;
}

static void
add_function(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
}

int
json_open(lua_State *L)
{
    /* It is the same for all scripts, and so out of their reach. */
    lua_newtable(L);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_newtable(L);
    add_function(L, "decode", decode);
    add_function(L, "encode", encode);
    add_function(L, "array", array);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    return 1;
}
