/* SPDX-License-Identifier: MIT */
#include "script/outcome.h"

#include <ctype.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "proxy/access_log.h"
#include "proxy/http_exchange.h"
#include "script/calls.h"
#include "script/handles.h"
#include "script/outcast.h"
#include "script/report.h"
#include "script/vm.h"

enum {
    NUMBER_MAX = 32,  /* bytes of a number as text */
    WHY_MAX = 160,    /* of what is wrong with a field */
    FIELDS_SEEN = 64, /* of one table: nothing interrupts who looks at them */
};

bool
outcome_has(const struct script_chain *chain, enum script_hook hook)
{
    for (unsigned i = 0; i < chain->count; i++) {
        if (chain->scripts[i]->hooks[hook] != LUA_NOREF)
            return true;
    }
    return false;
}

/* Reports what was raised; it is on the top of the stack. */
static void
report_raised(const struct script *script, enum script_hook hook,
              const char *name, lua_State *L)
{
    struct str text;

    text.p = lua_tolstring(L, -1, &text.len);
    report_error(script, hook, name, text);
}

/* Calls a script's hook, if it has it, with the two values on the top of the
 * stack, which stay. What it returns, one value, is pushed; false: nothing. */
static bool
call_hook(struct script *script, enum script_hook hook, const char *name)
{
    struct vm *vm = script->owner->vm;
    lua_State *L = vm->L;
    int first = lua_gettop(L) - 1;

    if (script->hooks[hook] == LUA_NOREF || outcast_holds(script))
        return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->hooks[hook]);
    lua_pushvalue(L, first);
    lua_pushvalue(L, first + 1);
    report_call(script, hook);
    if (vm_call(vm, 2, 1) == 0)
        return true;
    report_raised(script, hook, name, L);
    lua_pop(L, 1);
    return false;
}

/* Pushes the handle of the exchange's request; false, with a report: there is
 * none to be had. */
static bool
push_request(const struct script_chain *chain, struct http_exchange *exchange,
             enum script_hook hook, const char *name)
{
    const struct script *script = chain->scripts[0];
    struct vm *vm = script->owner->vm;

    if (handles_push_request(vm, exchange) == 0)
        return true;
    report_raised(script, hook, name, vm->L);
    return false;
}

/* --- response ------------------------------------------------------------- */

static void
section_response(void *arg, struct http_exchange *exchange)
{
    const struct script_chain *chain = arg;
    struct vm *vm = chain->scripts[0]->owner->vm;
    lua_State *L = vm->L;
    int top = lua_gettop(L);

    lua_pushvalue(L, VM_RESPONSE);
    vm->response->exchange = exchange;
    vm->response->sent = false;
    if (push_request(chain, exchange, SCRIPT_HOOK_RESPONSE, "response")) {
        for (unsigned i = 0; i < chain->count; i++) {
            if (call_hook(chain->scripts[i], SCRIPT_HOOK_RESPONSE, "response"))
                lua_pop(L, 1);
        }
    }
    vm->response->exchange = NULL;
    lua_settop(L, top);
}

/* --- log ------------------------------------------------------------------ */

struct field_list {
    struct hook_field *at; /* HOOK_FIELDS_MAX of them, in the arena */
    unsigned count;
    struct arena *arena;
};

static bool
is_field_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!isalnum((unsigned char)name.p[i]) && name.p[i] != '_')
            return false;
    }
    return name.len > 0 && name.len <= HOOK_FIELD_NAME_MAX;
}

/* The field of this name, which is made where there is none; NULL: there are
 * too many. */
static struct hook_field *
field_of(struct field_list *list, struct str name)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (str_equal(list->at[i].name, name))
            return &list->at[i];
    }
    if (list->count == HOOK_FIELDS_MAX)
        return NULL;
    return &list->at[list->count];
}

static struct str
format_number(char text[NUMBER_MAX], double n)
{
    if (!isfinite(n))
        return STR("null");
    (void)snprintf(text, NUMBER_MAX, "%.14g", n);
    return str_from(text);
}

/* The value on the top of the stack as text; p is NULL for what cannot be one.
 */
static struct str
value_text(lua_State *L, char text[NUMBER_MAX])
{
    struct str value = {0};

    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        value.p = lua_tolstring(L, -1, &value.len);
        return str_slice(value, 0, HOOK_FIELD_TEXT_MAX);
    case LUA_TNUMBER:
        return format_number(text, lua_tonumber(L, -1));
    case LUA_TBOOLEAN:
        return lua_toboolean(L, -1) ? STR("true") : STR("false");
    default:
        return value;
    }
}

/* Adds the field whose name and value are on the top of the stack.  NULL; or
 * what is wrong with it, %s being its name. */
static const char *
add_field(struct field_list *list, struct str name, lua_State *L)
{
    char number[NUMBER_MAX];
    struct str value = value_text(L, number);
    struct hook_field field = {.quoted = lua_type(L, -1) == LUA_TSTRING};
    struct hook_field *to;

    if (!is_field_name(name))
        return "it returned a field whose name is not of 1 to 32 letters, "
               "digits and _";
    if (access_log_has_member(name))
        return "it returned the field '%s', which the record has already";
    if (value.p == NULL)
        return "it returned the field '%s', which is no string, number or "
               "boolean";
    to = field_of(list, name);
    if (to == NULL)
        return "it returned the field '%s', for which there is no room";
    field.name.p = arena_memdup(list->arena, name.p, name.len);
    field.name.len = name.len;
    field.value.p = arena_memdup(list->arena, value.p, value.len);
    field.value.len = value.len;
    if (field.name.p == NULL || field.value.p == NULL)
        return "there is no memory for the field '%s'";
    *to = field;
    if (to == &list->at[list->count])
        list->count++;
    return NULL;
}

/* Takes what a hook returned, on the top of the stack; the first fault of it is
 * reported, and the rest is taken. */
static void
take_fields(const struct script *script, struct field_list *list, lua_State *L)
{
    char text[WHY_MAX] = "it returned something other than a table";
    bool good = lua_isnil(L, -1) || lua_istable(L, -1);
    unsigned seen = 0;

    if (!lua_istable(L, -1)) {
        if (!good)
            report_error(script, SCRIPT_HOOK_LOG, "log", str_from(text));
        return;
    }
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        struct str name = {0};
        const char *why;

        if (lua_type(L, -2) == LUA_TSTRING)
            name.p = lua_tolstring(L, -2, &name.len);
        why = add_field(list, name, L);
        if (why != NULL && good)
            (void)snprintf(text, sizeof(text), why, name.p);
        good = good && why == NULL;
        lua_pop(L, 1);
        if (++seen == FIELDS_SEEN) {
            lua_pop(L, 1);
            break;
        }
    }
    if (!good)
        report_error(script, SCRIPT_HOOK_LOG, "log", str_from(text));
}

static void
section_log(void *arg, struct http_exchange *exchange)
{
    const struct script_chain *chain = arg;
    struct vm *vm = chain->scripts[0]->owner->vm;
    lua_State *L = vm->L;
    int top = lua_gettop(L);
    struct field_list list = {.arena = &exchange->arena};

    list.at = arena_alloc(&exchange->arena, HOOK_FIELDS_MAX * sizeof(*list.at));
    if (list.at == NULL ||
        !push_request(chain, exchange, SCRIPT_HOOK_LOG, "log")) {
        lua_settop(L, top);
        return;
    }
    vm->response->exchange = exchange;
    vm->response->sent = true;
    lua_pushvalue(L, VM_RESPONSE);
    for (unsigned i = 0; i < chain->count; i++) {
        if (!call_hook(chain->scripts[i], SCRIPT_HOOK_LOG, "log"))
            continue;
        take_fields(chain->scripts[i], &list, L);
        lua_pop(L, 1);
    }
    vm->response->exchange = NULL;
    lua_settop(L, top);
    exchange->log_fields = list.at;
    exchange->log_field_count = list.count;
}

/* --- close ---------------------------------------------------------------- */

/* Drops what hooks have kept for the connection. */
static void
forget(const struct script_chain *chain, const struct hook_conn *conn)
{
    struct vm *vm = chain->scripts[0]->owner->vm;

    if (conn->hook_ref == NULL || *conn->hook_ref == 0)
        return;
    lua_pushvalue(vm->L, VM_FORGET_CONN);
    lua_pushinteger(vm->L, *conn->hook_ref);
    *conn->hook_ref = 0;
    if (vm_call(vm, 1, 0) == 0)
        return;
    report_raised(chain->scripts[0], SCRIPT_HOOK_CLOSE, "close", vm->L);
    lua_pop(vm->L, 1);
}

static void
section_close(void *arg, const struct hook_conn *conn,
              const struct flow_result *result)
{
    const struct script_chain *chain = arg;
    struct vm *vm = chain->scripts[0]->owner->vm;
    lua_State *L = vm->L;
    int top = lua_gettop(L);

    lua_pushvalue(L, VM_CONN);
    lua_pushvalue(L, VM_RESULT);
    vm->conn->conn = conn;
    handles_set_result(vm, result);
    for (unsigned i = 0; i < chain->count; i++) {
        if (call_hook(chain->scripts[i], SCRIPT_HOOK_CLOSE, "close"))
            lua_pop(L, 1);
    }
    calls_set_error(NULL);
    vm->conn->conn = NULL;
    lua_settop(L, top);
    forget(chain, conn);
}

void
outcome_fill(struct section_hooks *out, const struct script_chain *chain)
{
    if (outcome_has(chain, SCRIPT_HOOK_RESPONSE))
        out->response = section_response;
    if (outcome_has(chain, SCRIPT_HOOK_LOG))
        out->log = section_log;
    if (outcome_has(chain, SCRIPT_HOOK_CLOSE) ||
        outcome_has(chain, SCRIPT_HOOK_ACCEPT) ||
        outcome_has(chain, SCRIPT_HOOK_LOGIN))
        out->close = section_close;
}
