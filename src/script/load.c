/* SPDX-License-Identifier: MIT */
#include "script/load.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "board/board.h"
#include "config/faults.h"
#include "config/nearest.h"
#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "script/bundles.h"
#include "script/guard.h"
#include "script/life.h"
#include "script/quarantine.h"
#include "script/report.h"
#include "script/saved.h"
#include "script/source.h"
#include "script/takeover.h"
#include "script/vm.h"

enum {
    MESSAGE_MAX = 800,   /* bytes of a fault's text */
    HOOK_FAULTS_MAX = 8, /* of one table: nothing interrupts who reads it */
    USE_SECTION = SCRIPT_HTTP | SCRIPT_TCP | SCRIPT_MYSQL,
    USE_ANY = USE_SECTION | SCRIPT_POLICY | SCRIPT_CHECK,
};

/* Every hook of the contract. */
static const struct hook_info {
    const char *name;
    enum script_hook hook;
    unsigned uses; /* of enum script_use */
} hook_infos[] = {
    {"load", SCRIPT_HOOK_LOAD, USE_ANY},
    {"save", SCRIPT_HOOK_SAVE, USE_ANY},
    {"new", SCRIPT_HOOK_NEW, SCRIPT_POLICY},
    {"pick", SCRIPT_HOOK_PICK, SCRIPT_POLICY},
    {"done", SCRIPT_HOOK_DONE, SCRIPT_POLICY},
    {"state", SCRIPT_HOOK_STATE, SCRIPT_POLICY},
    {"request", SCRIPT_HOOK_REQUEST, SCRIPT_HTTP},
    {"response", SCRIPT_HOOK_RESPONSE, SCRIPT_HTTP},
    {"log", SCRIPT_HOOK_LOG, SCRIPT_HTTP},
    {"accept", SCRIPT_HOOK_ACCEPT, USE_SECTION},
    {"login", SCRIPT_HOOK_LOGIN, SCRIPT_MYSQL},
    {"close", SCRIPT_HOOK_CLOSE, SCRIPT_TCP | SCRIPT_MYSQL},
    {"check", SCRIPT_HOOK_CHECK, SCRIPT_CHECK},
};

static const size_t hook_info_count =
    sizeof(hook_infos) / sizeof(hook_infos[0]);

static const struct hook_info *
find_hook(const char *name)
{
    for (size_t i = 0; i < hook_info_count; i++) {
        if (strcmp(hook_infos[i].name, name) == 0)
            return &hook_infos[i];
    }
    return NULL;
}

const char *
script_hook_name(enum script_hook hook)
{
    for (size_t i = 0; i < hook_info_count; i++) {
        if (hook_infos[i].hook == hook)
            return hook_infos[i].name;
    }
    return NULL;
}

static void
add_fault(const struct script *script, struct faults *faults, const char *text)
{
    char line[MESSAGE_MAX];

    faults_add_at(faults, script->at, "script '%s': %s", script->name,
                  report_flatten(line, sizeof(line), str_from(text)));
}

/* A turn of the loop in which many scripts are loaded may take long: the master
 * shall not take the worker for stuck. */
static void
beat(const struct engine *engine)
{
    if (engine != NULL && engine->board != NULL &&
        engine->worker != board_control_number(engine->board))
        board_beat(engine->board, engine->worker);
}

/* Calls what is on the stack; on a fault, adds it and leaves nothing. */
static int
try_call(struct script *script, int args, int results, const char *what,
         struct faults *faults)
{
    struct vm *vm = script->owner->vm;
    char text[MESSAGE_MAX];
    int result;

    script->owner->loading = script;
    guard_next(script);
    result = vm_try(vm, args, results);
    script->owner->loading = NULL;
    beat(script->owner->runtime->engine);
    if (result == 0)
        return 0;
    (void)snprintf(text, sizeof(text), "%s%s%s", what,
                   what[0] == '\0' ? "" : " failed: ", lua_tostring(vm->L, -1));
    add_fault(script, faults, text);
    lua_pop(vm->L, 1);
    return -1;
}

/* --- the table of hooks --------------------------------------------------- */

static void
refuse_name(const struct script *script, const char *name,
            struct faults *faults)
{
    struct nearest nearest;
    char hint[NEAREST_NAME_MAX + 32];
    char text[MESSAGE_MAX];

    nearest_init(&nearest, str_from(name));
    for (size_t i = 0; i < hook_info_count; i++) {
        if ((hook_infos[i].uses & script->use) != 0)
            nearest_offer(&nearest, str_from(hook_infos[i].name));
    }
    (void)snprintf(text, sizeof(text), "unknown hook '%s'%s", name,
                   nearest_hint(&nearest, hint, sizeof(hint)));
    add_fault(script, faults, text);
}

/* The one plain value beside the hooks; it is on the top of the stack. */
static void
take_waits(struct script *script, struct faults *faults)
{
    lua_State *L = script->owner->vm->L;
    char text[MESSAGE_MAX];

    if ((script->use & SCRIPT_POLICY) == 0) {
        add_fault(script, faults, "'waits' is for policies only");
        return;
    }
    if (!lua_isboolean(L, -1)) {
        (void)snprintf(text, sizeof(text),
                       "'waits' must be true or false, not a %s",
                       luaL_typename(L, -1));
        add_fault(script, faults, text);
        return;
    }
    script->waits = lua_toboolean(L, -1);
}

/* Takes the hook whose name and function are on the top of the stack. */
static void
take_hook(struct script *script, struct faults *faults)
{
    lua_State *L = script->owner->vm->L;
    const struct hook_info *info;
    const char *name;
    char text[MESSAGE_MAX];

    if (lua_type(L, -2) != LUA_TSTRING) {
        add_fault(script, faults,
                  "the table of hooks has a key that is not a name");
        return;
    }
    name = lua_tostring(L, -2);
    if (strcmp(name, "waits") == 0) {
        take_waits(script, faults);
        return;
    }
    info = find_hook(name);
    if (info == NULL) {
        refuse_name(script, name, faults);
        return;
    }
    if ((info->uses & script->use) == 0) {
        (void)snprintf(text, sizeof(text),
                       "the hook '%s' is never called for %s", name,
                       script->user);
        add_fault(script, faults, text);
        return;
    }
    if (!lua_isfunction(L, -1)) {
        (void)snprintf(text, sizeof(text),
                       "the hook '%s' must be a function, not a %s", name,
                       luaL_typename(L, -1));
        add_fault(script, faults, text);
        return;
    }
    lua_pushvalue(L, -1);
    script->hooks[info->hook] = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* What a script is for has to be there. */
static void
require_hook(const struct script *script, struct faults *faults)
{
    if (script->use == SCRIPT_POLICY &&
        script->hooks[SCRIPT_HOOK_PICK] == LUA_NOREF)
        add_fault(script, faults, "a policy needs the hook 'pick'");
    if (script->use == SCRIPT_CHECK &&
        script->hooks[SCRIPT_HOOK_CHECK] == LUA_NOREF)
        faults_add_at(faults, script->at, "check: %s has no check hook",
                      script->name);
}

/* Takes the hooks of the table on the top of the stack, and the table off. */
static void
take_hooks(struct script *script, struct faults *faults)
{
    lua_State *L = script->owner->vm->L;
    size_t before = faults->count;
    char text[MESSAGE_MAX];

    if (!lua_istable(L, -1)) {
        (void)snprintf(text, sizeof(text),
                       "a script returns a table of hooks, this one a %s",
                       luaL_typename(L, -1));
        add_fault(script, faults, text);
        lua_pop(L, 1);
        return;
    }
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        take_hook(script, faults);
        lua_pop(L, 1);
        if (faults->count - before == HOOK_FAULTS_MAX) {
            lua_pop(L, 2);
            return;
        }
    }
    lua_pop(L, 1);
    require_hook(script, faults);
}

/* --- running it ----------------------------------------------------------- */

/* Does script_trust name it? */
static bool
is_trusted(const struct script *script, struct str file)
{
    const struct global_conf *global = &script->owner->runtime->conf->global;

    for (size_t i = 0; i < global->script_trust_count; i++) {
        if (str_equal(global->script_trust[i], file))
            return true;
    }
    return false;
}

/* Compiles and runs the chunk: its hooks are left on the stack. */
static int
run_chunk(struct script *script, struct str file, struct faults *faults)
{
    lua_State *L = script->owner->vm->L;
    struct source source;
    const char *why;

    if (source_ask(&source, script, BUNDLE_SCRIPT, file.p, &why) < 0) {
        add_fault(script, faults, why);
        return -1;
    }
    lua_pushvalue(L, VM_RUN);
    lua_pushlightuserdata(L, script->owner);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->self);
    lua_pushlstring(L, source.text, source.len);
    lua_pushstring(L, script->name);
    lua_pushboolean(L, is_trusted(script, file));
    source_fini(&source);
    return try_call(script, 5, 1, "", faults);
}

/* Pushes what the version before has saved for this one. */
static int
push_saved(const struct script *script, struct faults *faults)
{
    char why[MESSAGE_MAX];

    if (saved_push(script->owner->vm, script->old, why, sizeof(why)) == 0)
        return 0;
    add_fault(script, faults, why);
    return -1;
}

static void
call_load(struct script *script, struct faults *faults)
{
    lua_State *L = script->owner->vm->L;

    if (script->hooks[SCRIPT_HOOK_LOAD] == LUA_NOREF)
        return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->hooks[SCRIPT_HOOK_LOAD]);
    if (push_saved(script, faults) < 0) {
        lua_pop(L, 1);
        return;
    }
    (void)try_call(script, 1, 0, "load", faults);
    /* It is not called again, and shall not keep the script's values. */
    vm_release(script->owner->vm, script->hooks[SCRIPT_HOOK_LOAD]);
    script->hooks[SCRIPT_HOOK_LOAD] = LUA_NOREF;
}

static void
call_new(struct script *script, const struct script_order *order,
         struct faults *faults)
{
    lua_State *L = script->owner->vm->L;

    if (script->hooks[SCRIPT_HOOK_NEW] == LUA_NOREF) {
        if (order->option_count > 0)
            add_fault(script, faults, "this policy takes no options");
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->hooks[SCRIPT_HOOK_NEW]);
    lua_newtable(L);
    for (size_t i = 0; i < order->option_count; i++) {
        const struct option_conf *option = &order->options[i];

        lua_pushlstring(L, option->name.p, option->name.len);
        lua_pushlstring(L, option->value.p, option->value.len);
        lua_rawset(L, -3);
    }
    if (try_call(script, 1, 1, "new", faults) < 0)
        return;
    if (lua_isnil(L, -1))
        lua_pop(L, 1);
    else
        script->state = luaL_ref(L, LUA_REGISTRYINDEX);
}

static void
make_servers(struct script *script, struct faults *faults)
{
    lua_State *L = script->owner->vm->L;

    lua_pushvalue(L, VM_NEW_SERVERS);
    lua_pushlightuserdata(L, script->upstream);
    if (try_call(script, 1, 1, "", faults) == 0)
        script->servers = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* --- the whole ------------------------------------------------------------ */

struct str
script_row_name(struct str name)
{
    if (name.len <= BOARD_NAME_MAX)
        return name;
    return str_slice(name, name.len - BOARD_NAME_MAX, name.len);
}

static void
find_row(struct script *script, struct str name)
{
    const struct engine *engine = script->owner->runtime->engine;

    script->row = BOARD_NONE;
    if (engine == NULL || engine->board == NULL)
        return;
    script->row = board_find_script(engine->board, script_row_name(name));
    if (script->row == BOARD_NONE)
        return;
    script->standing = &engine->board->scripts[script->row];
}

/* Holds the bundle that the script is loaded from, and which gets what it has
 * not.  -1 without memory. */
static int
take_bundle(struct script *script, const struct script_order *order)
{
    struct bundles *set = script->owner->bundles;
    struct bundle *bundle = order->bundle;

    if (bundle == NULL && set == NULL)
        return 0;
    if (bundle == NULL)
        bundle = bundles_find(set, order->file.p);
    if (bundle != NULL) {
        script->bundle = bundle_ref(bundle);
        return 0;
    }
    script->bundle = bundle_new(order->file.p);
    return script->bundle == NULL ? -1 : bundles_put(set, script->bundle);
}

/* NULL without memory. */
static struct script *
new_script(struct scripts *owner, const struct script_order *order)
{
    struct script *script = script_new(owner->vm);

    if (script == NULL)
        return NULL;
    script->owner = owner;
    script->use = order->use;
    script->at = order->at;
    script->upstream = order->upstream;
    script->old = order->old;
    (void)snprintf(script->name, sizeof(script->name), STR_FMT,
                   STR_ARG(order->file));
    (void)snprintf(script->user, sizeof(script->user), "%s " STR_FMT,
                   order->user_kind, STR_ARG(order->user_name));
    if (script->old == NULL) {
        script->old = takeover_find(owner->before, script);
        script->old_banned =
            script->old != NULL && quarantine_holds(script->old);
    }
    find_row(script, order->file);
    list_add_tail(&owner->list, &script->link);
    if (take_bundle(script, order) == 0)
        return script;
    script_unref(script);
    return NULL;
}

/* Has its hooks counted, but those that are called while it is loaded. */
static void
count_hooks(struct script *script)
{
    for (size_t i = 0; i < hook_info_count; i++) {
        enum script_hook hook = hook_infos[i].hook;

        if (hook != SCRIPT_HOOK_LOAD && hook != SCRIPT_HOOK_NEW &&
            script->hooks[hook] != LUA_NOREF)
            report_use(script, hook, hook_infos[i].name);
    }
}

struct script *
script_load(struct scripts *owner, const struct script_order *order,
            struct faults *faults)
{
    struct script *script = new_script(owner, order);
    size_t before = faults->count;

    if (script == NULL) {
        faults_add_at(faults, order->at, "script '%s': no memory",
                      order->file.p);
        return NULL;
    }
    if (run_chunk(script, order->file, faults) == 0)
        take_hooks(script, faults);
    if (faults->count == before)
        call_load(script, faults);
    if (faults->count == before &&
        (order->use == SCRIPT_POLICY || order->options != NULL))
        call_new(script, order, faults);
    if (faults->count == before && order->use == SCRIPT_POLICY)
        make_servers(script, faults);
    if (faults->count == before) {
        count_hooks(script);
        return script;
    }
    script_unref(script);
    return NULL;
}
