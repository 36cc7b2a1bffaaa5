/* SPDX-License-Identifier: MIT */
#include "script/offline.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "codec/http1.h"
#include "config/faults.h"
#include "proxy/engine.h"
#include "proxy/http_exchange.h"
#include "proxy/http_section.h"
#include "proxy/runtime.h"
#include "script/load.h"
#include "script/verdict.h"
#include "script/vm.h"

enum {
    LOG_MAX = 1 << 20, /* bytes of lines that no spec has asked for */
    STATUS_MALFORMED = 400,
    STATUS_BROKEN = 500,
    USE_ALL =
        SCRIPT_POLICY | SCRIPT_HTTP | SCRIPT_TCP | SCRIPT_MYSQL | SCRIPT_CHECK,
};

struct offline {
    const struct offline_conf *conf;
    struct vm *vm;
    struct buf log;
};

/* What every function here has as its first upvalue. */
static struct offline *
offline_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* --- loading -------------------------------------------------------------- */

/* A function that Lua calls has a stack of its own: here the places of enum
 * vm_slot are laid at its bottom, below the arguments, so that what rests on
 * them works in it. */
static void
lay_places(lua_State *L)
{
    luaL_checkstack(L, VM_SLOTS + LUA_MINSTACK, "too deep");
    for (int i = 1; i <= VM_SLOTS; i++) {
        lua_pushvalue(L, lua_upvalueindex(1 + i));
        lua_insert(L, i);
    }
}

/* The options in the array at INDEX: name, value, name, value ...  It holds
 * their texts; the options themselves are left on the stack. */
static size_t
read_options(lua_State *L, int index, const struct option_conf **out)
{
    size_t count = lua_objlen(L, index) / 2;
    struct option_conf *options =
        lua_newuserdata(L, (count + 1) * sizeof(*options));

    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, index, (int)(2 * i + 1));
        lua_rawgeti(L, index, (int)(2 * i + 2));
        options[i].name.p = lua_tolstring(L, -2, &options[i].name.len);
        options[i].value.p = lua_tolstring(L, -1, &options[i].value.len);
        lua_pop(L, 2);
    }
    *out = options;
    return count;
}

static int
push_faults(lua_State *L, const struct faults *faults)
{
    lua_pushnil(L);
    lua_pushliteral(L, "");
    for (size_t i = 0; i < faults->item_count; i++) {
        lua_pushfstring(L, "%s%s", i == 0 ? "" : "\n", faults->items[i].text);
        lua_concat(L, 2);
    }
    return 2;
}

/* Pushes the script, its hooks by their names, and what `new` gave. */
static int
push_script(lua_State *L, struct script *script)
{
    lua_pushlightuserdata(L, script);
    lua_newtable(L);
    for (int i = 0; i < SCRIPT_HOOK_COUNT; i++) {
        if (script->hooks[i] == LUA_NOREF)
            continue;
        lua_rawgeti(L, LUA_REGISTRYINDEX, script->hooks[i]);
        lua_setfield(L, -2, script_hook_name((enum script_hook)i));
    }
    lua_pushboolean(L, script->waits);
    lua_setfield(L, -2, "waits");
    if (script->state == LUA_NOREF)
        lua_pushnil(L);
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, script->state);
    return 3;
}

/* load(name, options): the script, its hooks, its state; or nil and all that is
 * wrong with it.  `new` is called where options are given. */
static int
load_script(lua_State *L)
{
    const struct offline *offline = offline_of(L);
    struct script_order order = {.user_kind = "spec"};
    struct script *script;
    struct faults faults;
    int results;

    if (L != offline->vm->L)
        return luaL_error(L, "a script cannot be loaded in a coroutine");
    lay_places(L);
    order.file.p = luaL_checklstring(L, VM_SLOTS + 1, &order.file.len);
    order.at.file = order.file.p;
    order.use = (enum script_use)USE_ALL;
    if (lua_istable(L, VM_SLOTS + 2))
        order.option_count = read_options(L, VM_SLOTS + 2, &order.options);
    faults_init(&faults);
    script = script_load(offline->conf->scripts, &order, &faults);
    results = script == NULL ? push_faults(L, &faults) : push_script(L, script);
    faults_fini(&faults);
    return results;
}

/* --- requests ------------------------------------------------------------- */

static struct addr *
copy_addr(struct http_exchange *exchange, const char *text)
{
    struct addr addr;

    if (addr_parse(&addr, text, NULL) < 0)
        return NULL;
    return arena_memdup(&exchange->arena, &addr, sizeof(addr));
}

/* Reads the head as a connection does.  0, or the status it is refused with. */
static int
read_head(struct http_exchange *exchange, struct str head)
{
    const uint8_t *p = arena_memdup(&exchange->arena, head.p, head.len);
    ssize_t n;

    if (p == NULL)
        return STATUS_BROKEN;
    n = http1_read_request(&exchange->head, p, head.len, 0);
    if (n < 0)
        return http1_error_status((enum http1_error)n);
    if (n != (ssize_t)head.len)
        return STATUS_MALFORMED;
    if (exchange_read_host(exchange) < 0)
        return STATUS_BROKEN;
    return exchange_read_head(exchange);
}

static int
begin_exchange(struct http_exchange *exchange, lua_State *L)
{
    const struct addr *client = copy_addr(exchange, lua_tostring(L, 2));
    const struct addr *listener = copy_addr(exchange, lua_tostring(L, 3));
    struct str head;
    struct str root;

    head.p = lua_tolstring(L, 1, &head.len);
    root.p = lua_tolstring(L, 4, &root.len);
    root.p = arena_strndup(&exchange->arena, root.p, root.len);
    if (client == NULL || listener == NULL || root.p == NULL)
        return STATUS_BROKEN;
    exchange->client = *client;
    exchange->flow.client = &exchange->client;
    exchange->flow.listener = listener;
    exchange->root = root;
    return read_head(exchange, head);
}

static struct http_section *
first_section(const struct offline *offline)
{
    struct section *section = offline->conf->scripts->runtime->sections[0];

    return container_of(section, struct http_section, section);
}

/* begin(head, client, listener, root): the exchange and an id for it; or nil
 * and the status that the program answers instead. */
static int
begin_request(lua_State *L)
{
    const struct offline *offline = offline_of(L);
    struct http_exchange *exchange;
    int status;
    int id;

    for (int i = 1; i <= 4; i++)
        (void)luaL_checkstring(L, i);
    exchange = exchange_new(offline->conf->engine, NULL);
    id = vm_take_id(offline->vm);
    if (exchange == NULL || id == 0)
        fatal("out of memory");
    exchange->section = first_section(offline);
    status = begin_exchange(exchange, L);
    if (status == 0) {
        lua_pushlightuserdata(L, exchange);
        lua_pushinteger(L, id);
        return 2;
    }
    vm_give_id(offline->vm, id);
    exchange_free(exchange);
    lua_pushnil(L);
    lua_pushinteger(L, status);
    return 2;
}

/* finish(exchange, id) */
static int
finish_request(lua_State *L)
{
    const struct offline *offline = offline_of(L);

    exchange_free(lua_touserdata(L, 1));
    vm_give_id(offline->vm, (int)luaL_checkinteger(L, 2));
    return 0;
}

/* verdict(script, exchange, first, second): what a hook that returned these two
 * has decided, "pass", "reply" or "deny"; or nil and what is wrong with them.
 * Without an exchange it was not a request's hook. */
static int
read_verdict(lua_State *L)
{
    struct script *script = lua_touserdata(L, 1);
    struct http_exchange *exchange = lua_touserdata(L, 2);
    struct hook_verdict verdict = {0};
    enum hook_result result;
    const char *why;

    lua_settop(L, 4);
    result = verdict_read(&verdict, script, L, 3,
                          exchange == NULL ? NULL : &exchange->arena, &why);
    if (result == HOOK_FAILED) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        return 2;
    }
    if (result == HOOK_DENY) {
        lua_pushliteral(L, "deny");
        lua_pushlstring(L, verdict.reason.p, verdict.reason.len);
        return 2;
    }
    lua_pushstring(L, result == HOOK_REPLY ? "reply" : "pass");
    return 1;
}

/* --- the rest ------------------------------------------------------------- */

/* advance(ms) */
static int
advance(lua_State *L)
{
    clock_advance((uint64_t)luaL_checknumber(L, 1));
    return 0;
}

static void
take_line(void *arg, enum log_level level, const char *line, size_t len)
{
    struct offline *offline = arg;

    buf_printf(&offline->log, "%s: ", log_level_name(level));
    buf_add(&offline->log, line, len);
}

/* logged(): the lines since it was called last. */
static int
logged(lua_State *L)
{
    struct offline *offline = offline_of(L);

    lua_pushlstring(L, offline->log.p, offline->log.len);
    buf_reset(&offline->log);
    return 1;
}

/* absolute(path): it without links and dots; nil when there is no such file. */
static int
absolute(lua_State *L)
{
    char path[PATH_MAX];

    if (realpath(luaL_checkstring(L, 1), path) == NULL)
        return 0;
    lua_pushstring(L, path);
    return 1;
}

/* --- the whole ------------------------------------------------------------ */

static void
push_functions(lua_State *L, struct offline *offline)
{
    static const luaL_Reg functions[] = {
        {"load", load_script},      {"begin", begin_request},
        {"finish", finish_request}, {"verdict", read_verdict},
        {"advance", advance},       {"logged", logged},
        {"absolute", absolute},
    };

    lua_newtable(L);
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        lua_pushlightuserdata(L, offline);
        for (int slot = 1; slot <= VM_SLOTS; slot++)
            lua_pushvalue(L, slot);
        lua_pushcclosure(L, functions[i].func, 1 + VM_SLOTS);
        lua_setfield(L, -2, functions[i].name);
    }
}

static void
push_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void
push_files(lua_State *L, const struct offline_conf *conf)
{
    lua_newtable(L);
    for (int i = 0; i < conf->count; i++) {
        lua_pushstring(L, conf->files[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

/* Pushes run of script.offline and its arguments. */
static int
push_run(lua_State *L, struct offline *offline)
{
    const struct offline_conf *conf = offline->conf;

    push_functions(L, offline);
    lua_pushlightuserdata(L, conf->scripts);
    lua_setfield(L, -2, "scripts");
    push_text(L, "folder", conf->folder);
    push_text(L, "shipped", conf->scripts->shipped);
    push_text(L, "script_path",
              conf->scripts->runtime->conf->global.script_path.p);
    push_files(L, conf);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "script.offline");
    if (lua_pcall(L, 1, 1, VM_ON_ERROR) != 0)
        return -1;
    lua_getfield(L, -1, "run");
    lua_replace(L, -2);
    lua_insert(L, -3);
    return 0;
}

/* Not by vm_call, whose limits are for hooks. */
static int
call_lua(struct offline *offline)
{
    lua_State *L = offline->vm->L;
    int top = lua_gettop(L);
    int result = -1;

    if (push_run(L, offline) == 0 && lua_pcall(L, 2, 1, VM_ON_ERROR) == 0)
        result = lua_toboolean(L, -1) ? 0 : -1;
    if (lua_isstring(L, -1))
        fprintf(stderr, "moongate: %s\n", lua_tostring(L, -1));
    lua_settop(L, top);
    return result;
}

int
offline_run(const struct offline_conf *conf)
{
    struct offline offline = {.conf = conf, .vm = vm_ref()};
    int result;

    buf_init_growing(&offline.log, LOG_MAX);
    log_set_sink(take_line, &offline);
    result = call_lua(&offline);
    log_set_sink(NULL, NULL);
    vm_unref(offline.vm);
    buf_fini(&offline.log);
    exchange_drop_spares(conf->engine);
    return result;
}
