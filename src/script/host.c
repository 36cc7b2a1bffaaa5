/* SPDX-License-Identifier: MIT */
#include "script/host.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "board/board.h"
#include "codec/http.h"
#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "script/calls.h"
#include "script/embedded.h"
#include "script/script.h"
#include "script/shared_calls.h"
#include "script/source.h"

enum {
    MODULE_NAME_MAX = 200, /* bytes of what `require` takes */
};

static const struct scripts *
check_scripts(lua_State *L)
{
    const struct scripts *scripts = lua_touserdata(L, 1);

    luaL_argcheck(L, scripts != NULL, 1, "scripts expected");
    return scripts;
}

/* The script that is being loaded, as whose files are asked for. */
static const struct script *
check_loading(lua_State *L)
{
    const struct script *script = check_scripts(L)->loading;

    luaL_argcheck(L, script != NULL, 1, "no script is being loaded");
    return script;
}

static int
push_reason(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* Pushes the text.  It is a bundle's, but in `moongate test`: nothing leaks
 * where Lua has no memory for it. */
static void
push_source(lua_State *L, struct source *source)
{
    lua_pushlstring(L, source->text, source->len);
    source_fini(source);
}

/* "a.b" is the file a/b.lua, or else a/b/init.lua, as Lua's own path has it. */
static int
find_module(lua_State *L)
{
    const struct script *script = check_loading(L);
    const char *name = luaL_gsub(L, luaL_checkstring(L, 2), ".", "/");
    struct source source;
    const char *why, *why_not_init;
    const char *file;

    if (name[0] == '/' || strlen(name) > MODULE_NAME_MAX)
        return push_reason(L, "not the name of a module");
    file = lua_pushfstring(L, "%s.lua", name);
    if (source_ask(&source, script, BUNDLE_MODULE, file, &why) < 0) {
        file = lua_pushfstring(L, "%s/init.lua", name);
        if (source_ask(&source, script, BUNDLE_MODULE, file, &why_not_init) < 0)
            return push_reason(L, why);
    }
    push_source(L, &source);
    lua_pushstring(L, file);
    return 2;
}

static int
read_file(lua_State *L)
{
    const struct script *script = check_loading(L);
    size_t len;
    const char *path = luaL_checklstring(L, 2, &len);
    struct source source;
    const char *why;

    if (strlen(path) != len)
        return push_reason(L, "the path has a NUL");
    if (source_ask(&source, script, BUNDLE_FILE, path, &why) < 0)
        return push_reason(L, why);
    push_source(L, &source);
    return 1;
}

static int
check_header(lua_State *L)
{
    struct str name = {0};
    struct str value = {0};

    if (lua_type(L, 1) != LUA_TSTRING)
        return push_reason(L, "the name of a header is not a string");
    name.p = lua_tolstring(L, 1, &name.len);
    if (!http_is_token(name))
        return push_reason(L, "the name of a header has other bytes");
    if (http_frames_message(name)) {
        lua_pushnil(L);
        lua_pushfstring(L, "the header %s is set by the program", name.p);
        return 2;
    }
    if (!lua_isstring(L, 2)) {
        lua_pushnil(L);
        lua_pushfstring(L, "the value of %s is not a string", name.p);
        return 2;
    }
    value.p = lua_tolstring(L, 2, &value.len);
    if (!http_is_value(value)) {
        lua_pushnil(L);
        lua_pushfstring(L, "the value of %s has control bytes", name.p);
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int
worker(lua_State *L)
{
    const struct scripts *scripts = check_scripts(L);
    const struct engine *engine = scripts->runtime->engine;

    if (engine == NULL)
        lua_pushnumber(L, 0);
    else if (engine->board != NULL &&
             engine->worker == board_control_number(engine->board))
        lua_pushnumber(L, -1);
    else
        lua_pushnumber(L, engine->place);
    return 1;
}

static int
is_loading(lua_State *L)
{
    lua_pushboolean(L, check_scripts(L)->loading != NULL);
    return 1;
}

static void
push_texts(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; i < embedded_count; i++) {
        const struct embedded *file = &embedded_files[i];

        if (strstr(file->name, "_struct.h") == NULL)
            continue;
        lua_pushlstring(L, file->text, file->len);
        lua_setfield(L, -2, file->name);
    }
}

int
host_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"find_module", find_module},   {"read_file", read_file},
        {"check_header", check_header}, {"worker", worker},
        {"is_loading", is_loading},     {NULL, NULL},
    };
    union {
        const struct script_calls *constant;
        const struct shared_calls *shared;
        void *pointer;
    } calls = {.constant = &script_calls}, shared = {.shared = &shared_calls};

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    push_texts(L);
    lua_setfield(L, -2, "texts");
    lua_pushlightuserdata(L, calls.pointer);
    lua_setfield(L, -2, "calls");
    lua_pushlightuserdata(L, shared.pointer);
    lua_setfield(L, -2, "shared_calls");
    return 1;
}
