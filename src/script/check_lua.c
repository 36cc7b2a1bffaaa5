/* SPDX-License-Identifier: MIT */
#include "script/check_lua.h"

#include <inttypes.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "proxy/check.h"
#include "proxy/upstream.h"
#include "script/calls.h"
#include "script/life.h"
#include "script/outcast.h"
#include "script/report.h"
#include "script/script.h"
#include "script/scripts.h"
#include "script/task.h"
#include "script/uses.h"
#include "script/vm.h"

enum {
    HOOK_NAME_MAX = 64, /* bytes of "check of server NAME" */
};

/* There is one set of checks a process, since there is one control. */
static struct scripts *the_scripts;

/* What a checker keeps from check to check. */
struct lua_check {
    struct task task;
    struct checker *checker;
    struct script *script;         /* held; NULL: it could not be loaded */
    struct script_checked *handle; /* Lua's, kept by `server`; NULL: none */
    int server;                    /* the number of what the hook gets */
    bool ready;                    /* all this is set */
};

/* --- the verdict ---------------------------------------------------------- */

/* What is wrong is the script's fault: a line in the log, and a count. */
static void
fail(struct lua_check *check, const char *text)
{
    const struct server_conf *server = check->checker->server;
    char hook[HOOK_NAME_MAX];
    char words[BOARD_WORDS_MAX + 1];
    size_t first_line = strcspn(text, "\n");

    (void)snprintf(hook, sizeof(hook), "check of server " STR_FMT,
                   STR_ARG(server->name));
    report_error(check->script, SCRIPT_HOOK_CHECK, hook, str_from(text));
    checker_end(
        check->checker, CHECK_STATUS_L7RSP, "%s",
        report_flatten(words, sizeof(words), str_make(text, first_line)));
}

static void
refuse(struct lua_check *check, lua_State *L)
{
    struct str reason = STR("the script says so");
    char words[BOARD_WORDS_MAX + 1];

    if (lua_type(L, 2) == LUA_TSTRING)
        reason.p = lua_tolstring(L, 2, &reason.len);
    checker_end(check->checker, CHECK_STATUS_L7STS, "%s",
                report_flatten(words, sizeof(words), reason));
}

static void
read_answer(struct lua_check *check, lua_State *L)
{
    char text[96];

    lua_settop(L, 2);
    if (!lua_isboolean(L, 1)) {
        (void)snprintf(text, sizeof(text),
                       "it answered a %s, neither true nor false",
                       luaL_typename(L, 1));
        fail(check, text);
        return;
    }
    if (lua_toboolean(L, 1))
        checker_end(check->checker, CHECK_STATUS_L7OK, "%s", "");
    else
        refuse(check, L);
}

static void
on_end(struct task *task, lua_State *L, const char *raised)
{
    struct lua_check *check = container_of(task, struct lua_check, task);

    if (raised != NULL)
        fail(check, raised);
    else
        read_answer(check, L);
}

/* --- one check ------------------------------------------------------------ */

/* Makes what the hook gets. */
static int
make_server(struct lua_check *check)
{
    struct upstream *upstream = check->script->upstream;
    const struct server *server =
        upstream_find_server(upstream, check->checker->server->name);
    struct vm *vm = check->script->owner->vm;
    union {
        const void *constant;
        struct script_checked *handle;
    } made;

    lua_pushvalue(vm->L, VM_NEW_CHECKED);
    lua_pushlightuserdata(vm->L, upstream);
    lua_pushinteger(vm->L, (int)server->index + 1);
    if (vm_try(vm, 2, 2) < 0) {
        lua_pop(vm->L, 1);
        return -1;
    }
    made.constant = lua_topointer(vm->L, -1);
    check->handle = made.handle;
    check->handle->checker = check->checker;
    check->server = (int)lua_tointeger(vm->L, -2);
    lua_pop(vm->L, 2);
    return 0;
}

/* A script may have kept what it got. */
static void
drop_server(struct lua_check *check)
{
    lua_State *L = the_scripts->vm->L;

    if (check->handle == NULL)
        return;
    check->handle->checker = NULL;
    check->handle = NULL;
    lua_pushnil(L);
    lua_rawseti(L, VM_CHECKED, check->server);
}

/* A check goes by the version that serves when it begins. */
static void
take_script(struct lua_check *check)
{
    struct script *script = check->script;

    if (script != NULL && script->phase == SCRIPT_SERVES)
        return;
    script = uses_find_check(the_scripts, check->checker->upstream);
    if (script == check->script)
        return;
    drop_server(check);
    script_unref(check->script);
    check->script = script == NULL ? NULL : script_ref(script);
    check->task.script = script;
}

static void
prepare(struct lua_check *check, struct checker *c)
{
    check->checker = c;
    task_init(&check->task, &the_scripts->vm->coroutines, c->loop, on_end);
    check->ready = true;
}

static void
start(struct checker *c)
{
    struct lua_check *check = c->state;
    lua_State *from;
    lua_State *L;

    if (!check->ready)
        prepare(check, c);
    take_script(check);
    if (check->script == NULL) {
        checker_end(c, CHECK_STATUS_SOCKERR, "its script could not be loaded");
        return;
    }
    if (outcast_holds(check->script)) {
        checker_end(c, CHECK_STATUS_L7RSP, "its script is quarantined");
        return;
    }
    if (c->addr.len == 0) {
        c->verdict.at_once = true;
        checker_end(c, CHECK_STATUS_L4CON, "the name has no address");
        return;
    }
    if ((check->handle == NULL && make_server(check) < 0) ||
        (L = task_begin(&check->task)) == NULL) {
        checker_end(c, CHECK_STATUS_SOCKERR, "not enough memory");
        return;
    }
    report_call(check->script, SCRIPT_HOOK_CHECK);
    from = check->script->owner->vm->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, check->script->hooks[SCRIPT_HOOK_CHECK]);
    lua_rawgeti(from, VM_CHECKED, check->server);
    lua_xmove(from, L, 1);
    task_go(&check->task, 1);
}

static void
stop(struct checker *c)
{
    struct lua_check *check = c->state;

    if (check->ready)
        task_stop(&check->task);
}

static void
fini(struct checker *c)
{
    struct lua_check *check = c->state;

    if (!check->ready)
        return;
    drop_server(check);
    script_unref(check->script);
    check->script = NULL;
}

static const struct check_kind_ops check_lua = {
    .size = sizeof(struct lua_check),
    .start = start,
    .stop = stop,
    .fini = fini,
};

void
check_lua_use(struct scripts *scripts, struct resolver *resolver)
{
    if (scripts != NULL)
        scripts_use_resolver(scripts, resolver);
    the_scripts = scripts;
    check_set_lua(scripts == NULL ? NULL : &check_lua);
}
