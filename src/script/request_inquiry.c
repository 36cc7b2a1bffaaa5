/* SPDX-License-Identifier: MIT */
#include "script/request_inquiry.h"

#include "proxy/http_exchange.h"
#include "script/handles.h"
#include "script/inquiry.h"
#include "script/vm.h"

/* --- the kind ------------------------------------------------------------- */

static int
push(const struct inquiry *inquiry, lua_State *L)
{
    const struct http_exchange *exchange = inquiry->about;
    lua_State *from = inquiry->script->owner->vm->L;

    lua_rawgeti(from, VM_REQUESTS, exchange->hook_ref);
    lua_xmove(from, L, 1);
    return 1;
}

static bool
is_held(const struct inquiry *inquiry)
{
    const struct http_exchange *exchange = inquiry->about;

    return exchange->wants_body;
}

static void
on_wake(struct inquiry *inquiry)
{
    exchange_wake(inquiry->about);
}

static const struct inquiry_kind kind = {
    .hook = SCRIPT_HOOK_REQUEST,
    .name = "request",
    .limit = "server_timeout",
    .push = push,
    .is_held = is_held,
    .on_wake = on_wake,
};

/* --- the exchange --------------------------------------------------------- */

static void
end(struct inquiry *inquiry)
{
    struct http_exchange *exchange = inquiry->about;

    exchange->handler = NULL;
    exchange->hook_task = NULL;
    exchange->wants_body = false;
    inquiry_end(inquiry);
}

/* Nothing was written. */
static void
on_drained(struct http_exchange *exchange)
{
    (void)exchange;
}

/* The client has left, or its body is not to be had. */
static void
on_abort(struct http_exchange *exchange, const char *reason)
{
    (void)reason;
    end(exchange->handler_data);
}

/* Whom the exchange has for a handler while it is asked about. */
static const struct exchange_handler inquirer = {
    .name = "script",
    .on_drained = on_drained,
    .abort = on_abort,
};

static struct inquiry *
begin(struct script_chain *chain, struct http_exchange *exchange)
{
    struct inquiry *inquiry =
        inquiry_begin(chain, &kind, exchange, exchange->limits.server_timeout_ms);

    if (inquiry == NULL)
        return NULL;
    inquiry->arena = &exchange->arena;
    exchange->handler = &inquirer;
    exchange->handler_data = inquiry;
    exchange->hook_task = &inquiry->task;
    return inquiry;
}

/* Asked again: its body may have come. */
static void
look_at_body(struct inquiry *inquiry)
{
    struct http_exchange *exchange = inquiry->about;

    if (!exchange->wants_body || !exchange->body_whole)
        return;
    exchange->wants_body = false;
    task_wake(&inquiry->task);
}

/* There is no handle to be had; why is on the top of the stack. */
static enum hook_result
fail_all(const struct script_chain *chain, lua_State *L)
{
    enum hook_result result =
        inquiry_fail(chain->scripts[0], &kind, lua_tostring(L, -1));

    lua_pop(L, 1);
    return result;
}

enum hook_result
request_inquiry_ask(struct script_chain *chain, struct http_exchange *exchange,
                    struct hook_verdict *verdict)
{
    struct vm *vm = chain->scripts[0]->owner->vm;
    enum hook_result outcome;
    struct inquiry *inquiry;

    if (exchange->handler == &inquirer) {
        inquiry = exchange->handler_data;
        look_at_body(inquiry);
    } else {
        /* The handle stays where hooks find it. */
        if (handles_push_request(vm, exchange) < 0)
            return fail_all(chain, vm->L);
        lua_pop(vm->L, 1);
        inquiry = begin(chain, exchange);
        if (inquiry == NULL)
            return inquiry_fail(chain->scripts[0], &kind, "no memory");
        inquiry_ask(inquiry);
    }
    outcome = inquiry_answer(inquiry, verdict);
    if (outcome != HOOK_WAIT)
        end(inquiry);
    return outcome;
}
