/* SPDX-License-Identifier: MIT */
#include "script/hooks.h"

#include <lauxlib.h>
#include <stdio.h>

#include "proxy/flow.h"
#include "proxy/http_exchange.h"
#include "proxy/upstream.h"
#include "script/calls.h"
#include "script/handles.h"
#include "script/login_inquiry.h"
#include "script/outcast.h"
#include "script/outcome.h"
#include "script/report.h"
#include "script/request_inquiry.h"
#include "script/verdict.h"
#include "script/vm.h"

static bool
has_hook(const struct script *script, enum script_hook hook)
{
    return script->hooks[hook] != LUA_NOREF;
}

/* Pushes the hook, and the policy's state before its arguments where `new` gave
 * one.  Returns how many arguments there are already. */
static int
push_hook(lua_State *L, const struct script *script, enum script_hook hook)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->hooks[hook]);
    if (script->state == LUA_NOREF)
        return 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->state);
    return 1;
}

/* Is the script quarantined, so that the built-in behaviour takes the hook's
 * place? */
static bool
is_out(struct script *script, enum script_hook hook)
{
    if (!outcast_holds(script))
        return false;
    report_fallback(script, hook);
    return true;
}

/* Reports what was raised; it is on the top of the stack. */
static void
report_raised(const struct script *script, enum script_hook hook,
              const char *name, lua_State *L)
{
    struct str text;

    text.p = lua_tolstring(L, -1, &text.len);
    report_failure(script, hook, name, text);
}

/* --- policies ------------------------------------------------------------- */

static int
refuse_pick(struct script *script, lua_State *L, const char **reason)
{
    struct str text = STR("the policy chose no server");

    if (lua_type(L, -1) == LUA_TSTRING)
        text.p = lua_tolstring(L, -1, &text.len);
    *reason = report_flatten(script->reason, sizeof(script->reason), text);
    return HOOK_PICK_NONE;
}

/* `return index, "wait"`: the server is worth waiting for. */
static bool
says_wait(lua_State *L)
{
    struct str text = {0};

    if (lua_type(L, -1) != LUA_TSTRING)
        return false;
    text.p = lua_tolstring(L, -1, &text.len);
    return str_equal(text, STR("wait"));
}

/* Reads the two results of pick on the top of the stack. */
static int
read_pick(struct script *script, lua_State *L, const char **reason, bool *wait)
{
    double index = lua_tonumber(L, -2);
    char text[96];

    if (lua_type(L, -2) == LUA_TNUMBER && index >= 1 &&
        index <= script->upstream->server_count && index == (int)index) {
        *wait = says_wait(L);
        return (int)index - 1;
    }
    if (lua_isnil(L, -2))
        return refuse_pick(script, L, reason);
    if (lua_type(L, -2) == LUA_TNUMBER)
        (void)snprintf(text, sizeof(text),
                       "it answered %g, which is not the index of one of the "
                       "%u servers",
                       index, script->upstream->server_count);
    else
        (void)snprintf(text, sizeof(text),
                       "it answered a %s, which is not an index",
                       luaL_typename(L, -2));
    report_failure(script, SCRIPT_HOOK_PICK, "pick", str_from(text));
    return HOOK_PICK_FAILED;
}

static int
policy_pick(void *arg, struct flow *flow, const char **reason, bool *wait)
{
    struct script *script = arg;
    struct vm *vm = script->owner->vm;
    lua_State *L = vm->L;
    int top = lua_gettop(L);
    int args;
    int index;

    if (is_out(script, SCRIPT_HOOK_PICK))
        return HOOK_PICK_FAILED;
    args = push_hook(L, script, SCRIPT_HOOK_PICK);
    lua_pushvalue(L, VM_FLOW);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->servers);
    report_call(script, SCRIPT_HOOK_PICK);
    vm->flow->flow = flow;
    if (vm_call(vm, args + 2, 2) == 0) {
        index = read_pick(script, L, reason, wait);
    } else {
        report_raised(script, SCRIPT_HOOK_PICK, "pick", L);
        index = HOOK_PICK_FAILED;
    }
    vm->flow->flow = NULL;
    lua_settop(L, top);
    return index;
}

static void
policy_misused(void *arg, int index)
{
    const struct script *script = arg;
    char text[96];

    (void)snprintf(text, sizeof(text),
                   "it answered %d, and that server is not usable", index + 1);
    report_failure(script, SCRIPT_HOOK_PICK, "pick", str_from(text));
}

static void
policy_done(void *arg, struct flow *flow, struct server *server,
            const struct flow_result *result)
{
    struct script *script = arg;
    struct vm *vm = script->owner->vm;
    lua_State *L = vm->L;
    int top = lua_gettop(L);
    int args;

    if (is_out(script, SCRIPT_HOOK_DONE))
        return;
    args = push_hook(L, script, SCRIPT_HOOK_DONE);
    lua_pushvalue(L, VM_FLOW);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->servers);
    lua_rawgeti(L, -1, (int)server->index + 1);
    lua_remove(L, -2);
    lua_pushvalue(L, VM_RESULT);
    report_call(script, SCRIPT_HOOK_DONE);
    vm->flow->flow = flow;
    handles_set_result(vm, result);
    if (vm_call(vm, args + 3, 0) < 0)
        report_raised(script, SCRIPT_HOOK_DONE, "done", L);
    calls_set_error(NULL);
    vm->flow->flow = NULL;
    lua_settop(L, top);
}

/* Pushes WHY. A string needs memory, so Lua makes it, where it may raise. */
static int
push_words(struct vm *vm, const char *why)
{
    int result;

    calls_set_error(why);
    lua_pushvalue(vm->L, VM_WORDS);
    result = vm_call(vm, 0, 1);
    calls_set_error(NULL);
    return result;
}

static void
policy_state(void *arg, struct server *server, bool up, const char *why)
{
    struct script *script = arg;
    struct vm *vm = script->owner->vm;
    lua_State *L = vm->L;
    int top = lua_gettop(L);
    int args;
    bool failed;

    if (is_out(script, SCRIPT_HOOK_STATE))
        return;
    args = push_hook(L, script, SCRIPT_HOOK_STATE);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->servers);
    lua_rawgeti(L, -1, (int)server->index + 1);
    lua_remove(L, -2);
    lua_pushboolean(L, up);
    failed = push_words(vm, why) < 0;
    if (!failed) {
        report_call(script, SCRIPT_HOOK_STATE);
        failed = vm_call(vm, args + 3, 0) < 0;
    }
    if (failed)
        report_raised(script, SCRIPT_HOOK_STATE, "state", L);
    lua_settop(L, top);
}

void
hooks_fill_policy(struct policy_hooks *out, struct script *script)
{
    *out = (struct policy_hooks){
        .arg = script,
        .pick = policy_pick,
        .misused = policy_misused,
        .done = has_hook(script, SCRIPT_HOOK_DONE) ? policy_done : NULL,
        .state = has_hook(script, SCRIPT_HOOK_STATE) ? policy_state : NULL,
        .waits = script->waits,
    };
}

/* --- sections ------------------------------------------------------------- */

/* Calls a script's `accept`; the handle is on the top of the stack. */
static enum hook_result
call_accept(struct script *script, struct hook_verdict *verdict)
{
    struct vm *vm = script->owner->vm;
    lua_State *L = vm->L;
    int handle = lua_gettop(L);
    enum hook_result result = HOOK_FAILED;
    const char *why;

    if (is_out(script, SCRIPT_HOOK_ACCEPT))
        return result;
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->hooks[SCRIPT_HOOK_ACCEPT]);
    lua_pushvalue(L, handle);
    report_call(script, SCRIPT_HOOK_ACCEPT);
    if (vm_call(vm, 1, 2) < 0) {
        report_raised(script, SCRIPT_HOOK_ACCEPT, "accept", L);
    } else {
        result = verdict_read(verdict, script, L, handle + 1, NULL, &why);
        if (result == HOOK_FAILED)
            report_failure(script, SCRIPT_HOOK_ACCEPT, "accept", str_from(why));
    }
    lua_settop(L, handle);
    return result;
}

/* Runs the chain until one decides.  A hook that failed counts as one that let
 * pass, unless the section would rather refuse; its handle as above. */
static enum hook_result
ask_chain(const struct script_chain *chain, struct hook_verdict *verdict)
{
    enum hook_result outcome = HOOK_PASS;

    for (unsigned i = 0; i < chain->count; i++) {
        enum hook_result result;

        if (!has_hook(chain->scripts[i], SCRIPT_HOOK_ACCEPT))
            continue;
        result = call_accept(chain->scripts[i], verdict);
        if (result == HOOK_PASS)
            continue;
        if (result != HOOK_FAILED || chain->failure == SCRIPT_FAILURE_DENY)
            return result;
        outcome = HOOK_FAILED;
    }
    return outcome;
}

static enum hook_result
section_accept(void *arg, const struct hook_conn *conn,
               struct hook_verdict *verdict)
{
    const struct script_chain *chain = arg;
    struct vm *vm = chain->scripts[0]->owner->vm;
    enum hook_result result;

    lua_pushvalue(vm->L, VM_CONN);
    vm->conn->conn = conn;
    result = ask_chain(chain, verdict);
    vm->conn->conn = NULL;
    lua_pop(vm->L, 1);
    return result;
}

static enum hook_result
section_request(void *arg, struct http_exchange *exchange,
                struct hook_verdict *verdict)
{
    return request_inquiry_ask(arg, exchange, verdict);
}

static enum hook_result
section_login(void *arg, struct hook_login *login, struct hook_verdict *verdict)
{
    return login_inquiry_ask(arg, login, verdict);
}

static void
section_login_abort(void *arg, struct hook_login *login)
{
    (void)arg;
    login_inquiry_abort(login);
}

static void
section_forget(void *arg, struct http_exchange *exchange)
{
    const struct script_chain *chain = arg;
    struct vm *vm = chain->scripts[0]->owner->vm;
    struct script_request *handle = exchange->hook_data;

    if (exchange->hook_ref == 0)
        return;
    handle->exchange = NULL;
    if (handle->kept) {
        lua_pushvalue(vm->L, VM_FORGET_REQUEST);
        lua_pushinteger(vm->L, handle->id);
        if (vm_call(vm, 1, 0) < 0) {
            report_raised(chain->scripts[0], SCRIPT_HOOK_REQUEST, "request",
                          vm->L);
            lua_pop(vm->L, 1);
        }
    }
    vm_give_id(vm, exchange->hook_ref);
    exchange->hook_ref = 0;
    exchange->hook_data = NULL;
}

void
hooks_fill_section(struct section_hooks *out, struct script_chain *chain)
{
    *out = (struct section_hooks){.arg = chain};
    outcome_fill(out, chain);
    if (outcome_has(chain, SCRIPT_HOOK_ACCEPT))
        out->accept = section_accept;
    if (outcome_has(chain, SCRIPT_HOOK_REQUEST))
        out->request = section_request;
    if (outcome_has(chain, SCRIPT_HOOK_LOGIN)) {
        out->login = section_login;
        out->login_abort = section_login_abort;
    }
    if (out->request != NULL || out->response != NULL || out->log != NULL)
        out->forget = section_forget;
}
