/* SPDX-License-Identifier: MIT */
/*
 * The compiler's time grows with the square of long chains of `elseif` and of
 * many labels, and no hook is called meanwhile.  So it gets its text in pieces,
 * and none any more once the call's time is over.
 *
 * The pieces come from C: what a hook raises in a reader of Lua's, the compiler
 * catches without a word to the hooks, and none is called ever after.
 */
#include "script/compile.h"

#include <lauxlib.h>
#include <stddef.h>

#include "base/str.h"
#include "script/guard.h"

enum {
    PIECE = 1024, /* bytes, that are compiled in a few milliseconds */
};

/* As lua_Reader. */
static const char *
read_piece(lua_State *L, void *arg, size_t *size)
{
    struct str *rest = arg;
    struct str piece = str_slice(*rest, 0, PIECE);

    (void)L;
    if (piece.len == 0 || guard_is_over()) {
        *size = 0;
        return NULL;
    }
    *rest = str_slice(*rest, piece.len, rest->len);
    *size = piece.len;
    return piece.p;
}

static int
compile(lua_State *L)
{
    struct str rest;
    const char *name = luaL_checkstring(L, 2);
    int status;

    rest.p = luaL_checklstring(L, 1, &rest.len);
    luaL_checktype(L, 3, LUA_TTABLE); /* or it would run in the core's own */
    lua_settop(L, 3);
    status = lua_loadx(L, read_piece, &rest, name, "t");
    if (guard_is_over())
        return guard_raise(L);
    if (status == LUA_ERRMEM)
        return lua_error(L);
    if (status != 0) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    lua_pushvalue(L, 3);
    (void)lua_setfenv(L, -2);
    return 1;
}

int
compile_open(lua_State *L)
{
    lua_pushcfunction(L, compile);
    return 1;
}
