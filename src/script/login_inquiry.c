/* SPDX-License-Identifier: MIT */
#include "script/login_inquiry.h"

#include "script/calls.h"
#include "script/inquiry.h"
#include "script/vm.h"

/* Where the handles of a login stand in VM_LOGINS, by its id: script.login has
 * the same. */
enum login_place {
    LOGIN_PLACE_LOGIN,
    LOGIN_PLACE_CONN,
    LOGIN_PLACE_ATTRIBUTES, /* that were asked for, or false */
    LOGIN_PLACES,
};

static int
place_of(int id, enum login_place place)
{
    return LOGIN_PLACES * id + (int)place;
}

/* --- the handles ---------------------------------------------------------- */

/* Their memory, which Lua sees as constant and does not move. */
union handle {
    const void *constant;
    struct script_login *login;
    struct script_conn *conn;
};

static union handle
handle_of(lua_State *L, int id, enum login_place place)
{
    union handle handle;

    lua_rawgeti(L, VM_LOGINS, place_of(id, place));
    handle.constant = lua_topointer(L, -1);
    lua_pop(L, 1);
    return handle;
}

/* Makes those of a login. Its id; or 0, and what was raised is pushed. */
static int
make_handles(struct vm *vm, const struct hook_login *login)
{
    lua_State *L = vm->L;
    int id = vm_take_id(vm);

    if (id == 0) {
        lua_pushliteral(L, "no memory");
        return 0;
    }
    lua_pushvalue(L, VM_NEW_LOGIN);
    lua_pushinteger(L, id);
    if (vm_call(vm, 1, 0) < 0) {
        vm_give_id(vm, id);
        return 0;
    }
    handle_of(L, id, LOGIN_PLACE_LOGIN).login->login = login;
    handle_of(L, id, LOGIN_PLACE_CONN).conn->conn = login->conn;
    return id;
}

/* The places are there, so that clearing them takes no memory. */
static void
drop_handles(struct vm *vm, int id)
{
    lua_State *L = vm->L;

    handle_of(L, id, LOGIN_PLACE_LOGIN).login->login = NULL;
    handle_of(L, id, LOGIN_PLACE_CONN).conn->conn = NULL;
    for (int place = 0; place < LOGIN_PLACES; place++) {
        lua_pushboolean(L, false);
        lua_rawseti(L, VM_LOGINS, place_of(id, (enum login_place)place));
    }
    vm_give_id(vm, id);
}

/* --- the kind ------------------------------------------------------------- */

static int
push(const struct inquiry *inquiry, lua_State *L)
{
    lua_State *from = inquiry->script->owner->vm->L;

    lua_rawgeti(from, VM_LOGINS, place_of(inquiry->ref, LOGIN_PLACE_LOGIN));
    lua_rawgeti(from, VM_LOGINS, place_of(inquiry->ref, LOGIN_PLACE_CONN));
    lua_xmove(from, L, 2);
    return 2;
}

static void
on_wake(struct inquiry *inquiry)
{
    struct hook_login *login = inquiry->about;

    login->on_wake(login);
}

static const struct inquiry_kind kind = {
    .hook = SCRIPT_HOOK_LOGIN,
    .name = "login",
    .limit = "a login may",
    .refuses = true,
    .push = push,
    .on_wake = on_wake,
};

/* --- the login ------------------------------------------------------------ */

static void
end(struct inquiry *inquiry)
{
    struct hook_login *login = inquiry->about;
    struct vm *vm = inquiry->chain->scripts[0]->owner->vm;
    int id = inquiry->ref;

    login->asked = NULL;
    inquiry_end(inquiry);
    drop_handles(vm, id);
}

/* NULL, with a report: it cannot be asked about. */
static struct inquiry *
begin(struct script_chain *chain, struct hook_login *login)
{
    struct script *script = chain->scripts[0];
    struct vm *vm = script->owner->vm;
    struct inquiry *inquiry;
    int id = make_handles(vm, login);

    if (id == 0) {
        (void)inquiry_fail(script, &kind, lua_tostring(vm->L, -1));
        lua_pop(vm->L, 1);
        return NULL;
    }
    inquiry = inquiry_begin(chain, &kind, login, login->wait_ms);
    if (inquiry == NULL) {
        drop_handles(vm, id);
        (void)inquiry_fail(script, &kind, "no memory");
        return NULL;
    }
    inquiry->ref = id;
    login->asked = inquiry;
    return inquiry;
}

enum hook_result
login_inquiry_ask(struct script_chain *chain, struct hook_login *login,
                  struct hook_verdict *verdict)
{
    struct inquiry *inquiry = login->asked;
    enum hook_result outcome;

    if (inquiry == NULL) {
        inquiry = begin(chain, login);
        if (inquiry == NULL)
            return HOOK_FAILED;
        inquiry_ask(inquiry);
    }
    outcome = inquiry_answer(inquiry, verdict);
    if (outcome != HOOK_WAIT)
        end(inquiry);
    return outcome;
}

void
login_inquiry_abort(struct hook_login *login)
{
    if (login->asked != NULL)
        end(login->asked);
}
