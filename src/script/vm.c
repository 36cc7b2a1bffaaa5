/* SPDX-License-Identifier: MIT */
#include "script/vm.h"

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "script/base64.h"
#include "script/calls.h"
#include "script/compile.h"
#include "script/connections.h"
#include "script/digest.h"
#include "script/embedded.h"
#include "script/fetch.h"
#include "script/guard.h"
#include "script/host.h"
#include "script/json.h"
#include "script/links.h"
#include "script/match.h"
#include "script/request_body.h"
#include "script/timers.h"
#include "script/trusts.h"
#include "script/waits.h"

/* LuaJIT's profiler, on which interrupting scripts rests, serves one VM of a
 * process only; so there is one, whatever number of configurations use it. */
static struct vm *the_vm;

static const struct embedded *
find_embedded(const char *name)
{
    for (size_t i = 0; i < embedded_count; i++) {
        if (strcmp(embedded_files[i].name, name) == 0)
            return &embedded_files[i];
    }
    return NULL;
}

/* The loader of require "script.NAME". */
static int
load_embedded(lua_State *L)
{
    const char *module = lua_tostring(L, lua_upvalueindex(1));
    const struct embedded *file;

    lua_pushfstring(L, "%s.lua", module);
    file = find_embedded(lua_tostring(L, -1));
    if (file == NULL)
        return luaL_error(L, "there is no %s", lua_tostring(L, -1));
    lua_pushfstring(L, "=script/%s", file->name);
    if (luaL_loadbuffer(L, file->text, file->len, lua_tostring(L, -1)) != 0)
        return lua_error(L);
    lua_call(L, 0, 1);
    return 1;
}

/* Names package.preload["script.NAME"] for each module. */
static void
preload_modules(lua_State *L)
{
    static const struct {
        const char *name;
        lua_CFunction open;
    } modules[] = {
        {"script.host", host_open},
        {"script.waits", waits_open},
        {"script.connections", connections_open},
        {"script.request_body", request_body_open},
        {"script.fetch", fetch_open},
        {"script.timers", timers_open},
        {"script.digest", digest_open},
        {"script.base64", base64_open},
        {"script.json", json_open},
        {"script.match", match_open},
        {"script.compile", compile_open},
    };

    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    for (size_t i = 0; i < embedded_count; i++) {
        const char *name = embedded_files[i].name;
        const char *dot = strstr(name, ".lua");

        if (dot == NULL)
            continue;
        lua_pushfstring(L, "script.%s", name);
        lua_pushlstring(L, lua_tostring(L, -1),
                        strlen("script.") + (size_t)(dot - name));
        lua_pushlstring(L, name, (size_t)(dot - name));
        lua_pushcclosure(L, load_embedded, 1);
        lua_settable(L, -4);
        lua_pop(L, 1);
    }
    for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        lua_pushcfunction(L, modules[i].open);
        lua_setfield(L, -2, modules[i].name);
    }
    lua_pop(L, 2);
}

static int
on_error(lua_State *L)
{
    const char *text = lua_tostring(L, 1);

    if (text == NULL)
        text = lua_pushfstring(L, "(a %s was raised)", luaL_typename(L, 1));
    luaL_traceback(L, L, text, 1);
    return 1;
}

/* Leaves module.FUNCTION at the next place of the stack. */
static void
push_function(lua_State *L, const char *module, const char *function)
{
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
    lua_getfield(L, -1, function);
    lua_remove(L, -2);
}

static void
seed_random(lua_State *L)
{
    unsigned seed = 0;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
        log_warn("cannot seed math.random");
    lua_getglobal(L, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushnumber(L, seed);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
}

/* Fills the places of enum vm_slot and returns them. */
static int
prepare(lua_State *L)
{
    struct vm *vm = lua_touserdata(L, 1);

    lua_pop(L, 1);
    luaL_checkstack(L, VM_SLOTS + LUA_MINSTACK, "no stack");
    coroutines_init(&vm->coroutines, L);
    luaL_openlibs(L);
    preload_modules(L);
    seed_random(L);
    lua_pushcfunction(L, on_error);
    push_function(L, "script.flow", "new");
    lua_call(L, 0, 3);
    push_function(L, "script.flow", "words");
    push_function(L, "script.sandbox", "run");
    push_function(L, "script.views", "new");
    push_function(L, "script.request", "new");
    push_function(L, "script.request", "forget");
    push_function(L, "script.request", "handles");
    push_function(L, "script.checked", "new");
    push_function(L, "script.checked", "kept");
    push_function(L, "script.response", "new");
    lua_call(L, 0, 1);
    push_function(L, "script.saved", "take");
    push_function(L, "script.conn", "forget");
    push_function(L, "script.login", "new");
    push_function(L, "script.login", "handles");
    return VM_SLOTS;
}

/* The memory of the handle at a place of the stack: Lua sees it as constant,
 * and does not move it. */
static void *
handle_at(lua_State *L, int place)
{
    union {
        const void *constant;
        void *writable;
    } handle = {.constant = lua_topointer(L, place)};

    return handle.writable;
}

static struct vm *
start(void)
{
    struct vm *vm = xcalloc(1, sizeof(*vm));

    vm->L = luaL_newstate();
    if (vm->L == NULL)
        fatal("cannot start LuaJIT: out of memory");
    lua_pushcfunction(vm->L, prepare);
    lua_pushlightuserdata(vm->L, vm);
    if (lua_pcall(vm->L, 1, VM_SLOTS, 0) != 0)
        fatal("cannot start LuaJIT: %s", lua_tostring(vm->L, -1));
    /* Room for what a call pushes behind those places. */
    if (!lua_checkstack(vm->L, LUA_MINSTACK))
        fatal("cannot start LuaJIT: no stack");
    vm->flow = handle_at(vm->L, VM_FLOW);
    vm->conn = handle_at(vm->L, VM_CONN);
    vm->result = handle_at(vm->L, VM_RESULT);
    vm->response = handle_at(vm->L, VM_RESPONSE);
    guard_open(vm->L);
    return vm;
}

struct vm *
vm_ref(void)
{
    if (the_vm == NULL)
        the_vm = start();
    the_vm->refs++;
    return the_vm;
}

void
vm_unref(struct vm *vm)
{
    if (vm == NULL || --vm->refs > 0)
        return;
    links_free(vm->coroutines.links);
    trusts_free(vm->coroutines.trusts);
    guard_close();
    lua_close(vm->L);
    free(vm->spare_ids);
    free(vm);
    the_vm = NULL;
}

/* What was raised may be anything. */
static void
put_words(lua_State *L, int status)
{
    const char *words = "something that is not a text was raised";

    if (status == LUA_ERRMEM)
        words = guard_memory_words();
    else if (lua_type(L, -1) == LUA_TSTRING)
        return;
    lua_pop(L, 1);
    lua_pushstring(L, words);
}

static int
call(struct vm *vm, int args, int results, int handler, enum guard_kind kind)
{
    int status;

    guard_begin(kind);
    status = lua_pcall(vm->L, args, results, handler);
    guard_end(status);
    if (status == 0)
        return 0;
    put_words(vm->L, status);
    return -1;
}

int
vm_call(struct vm *vm, int args, int results)
{
    return call(vm, args, results, VM_ON_ERROR, GUARD_HOOK);
}

int
vm_try(struct vm *vm, int args, int results)
{
    return call(vm, args, results, 0, GUARD_LOAD);
}

/* There is room for every id in the list, so giving one back cannot fail. */
static int
new_id(struct vm *vm)
{
    if ((unsigned)vm->last_id == vm->spare_size) {
        unsigned size = vm->spare_size == 0 ? 64 : vm->spare_size * 2;
        int *ids = realloc(vm->spare_ids, size * sizeof(*ids));

        if (ids == NULL)
            return 0;
        vm->spare_ids = ids;
        vm->spare_size = size;
    }
    return ++vm->last_id;
}

int
vm_take_id(struct vm *vm)
{
    if (vm->spare_count > 0)
        return vm->spare_ids[--vm->spare_count];
    return new_id(vm);
}

void
vm_give_id(struct vm *vm, int id)
{
    vm->spare_ids[vm->spare_count++] = id;
}

void
vm_flush(struct vm *vm)
{
    (void)luaJIT_setmode(vm->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
}

void
vm_release(struct vm *vm, int ref)
{
    luaL_unref(vm->L, LUA_REGISTRYINDEX, ref);
}
