/* SPDX-License-Identifier: MIT */
#include "script/base64.h"

#include <lauxlib.h>

#include "codec/base64.h"

static int
encode(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    char *out = lua_newuserdata(L, base64_encoded_len(len) + 1);

    len = base64_encode(out, (const uint8_t *)text, len, lua_toboolean(L, 2));
    lua_pushlstring(L, out, len);
    return 1;
}

static int
decode(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    uint8_t *out = lua_newuserdata(L, base64_decoded_len(len) + 1);
    ssize_t n = base64_decode(out, text, len, lua_toboolean(L, 2));

    if (n < 0)
        lua_pushnil(L);
    else
        lua_pushlstring(L, (const char *)out, (size_t)n);
    return 1;
}

int
base64_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"encode", encode},
        {"decode", decode},
        {NULL, NULL},
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
