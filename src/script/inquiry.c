/* SPDX-License-Identifier: MIT */
#include "script/inquiry.h"

#include <inttypes.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "proxy/engine.h"
#include "proxy/http_exchange.h"
#include "proxy/runtime.h"
#include "script/handles.h"
#include "script/outcast.h"
#include "script/report.h"
#include "script/task.h"
#include "script/verdict.h"
#include "script/vm.h"

static const char HOOK[] = "request";

struct inquiry {
    struct task task; /* of the script that is asked */
    struct script_chain *chain;
    struct http_exchange *exchange;
    struct script *script;   /* that is asked */
    unsigned next;           /* the place of the one after it */
    bool calling;            /* it was called just now */
    enum hook_result answer; /* of the one that was called; HOOK_WAIT: none */

    enum hook_result undecided; /* what it is where none decides */
    enum hook_result outcome;   /* HOOK_WAIT: it is not known yet */
    struct hook_verdict verdict;

    struct timer limit; /* of all waits */
    uint64_t left_ms;   /* of it, while it does not run */
};

static void on_task_end(struct task *task, lua_State *L, const char *raised);
static void on_task_wait(struct task *task);
static void on_limit(struct timer *timer);

/* --- life ----------------------------------------------------------------- */

static void on_drained(struct http_exchange *exchange);
static void on_abort(struct http_exchange *exchange, const char *reason);

/* Whom the exchange has for a handler while it is asked about. */
static const struct exchange_handler inquirer = {
    .name = "script",
    .on_drained = on_drained,
    .abort = on_abort,
};

static struct inquiry *
inquiry_new(struct script_chain *chain)
{
    const struct scripts *owner = chain->scripts[0]->owner;
    const struct engine *engine = owner->runtime->engine;
    struct inquiry *inquiry = calloc(1, sizeof(*inquiry));

    if (inquiry == NULL)
        return NULL;
    inquiry->chain = chain;
    task_init(&inquiry->task, &owner->vm->coroutines,
              engine == NULL ? NULL : engine->loop, on_task_end);
    inquiry->task.on_wait = on_task_wait;
    timer_init(&inquiry->limit, on_limit);
    return inquiry;
}

void
inquiry_free(struct inquiry *inquiry)
{
    free(inquiry);
}

/* The one that is over is kept for the next request, so that a hook that does
 * not wait costs no memory. */
static struct inquiry *
begin(struct script_chain *chain, struct http_exchange *exchange)
{
    struct inquiry *inquiry = chain->spare;

    chain->spare = NULL;
    if (inquiry == NULL)
        inquiry = inquiry_new(chain);
    if (inquiry == NULL)
        return NULL;
    inquiry->exchange = exchange;
    inquiry->next = 0;
    inquiry->undecided = HOOK_PASS;
    inquiry->outcome = HOOK_WAIT;
    inquiry->verdict = (struct hook_verdict){0};
    inquiry->left_ms = exchange->limits.server_timeout_ms;
    exchange->handler = &inquirer;
    exchange->handler_data = inquiry;
    exchange->hook_task = &inquiry->task;
    return inquiry;
}

static void
end(struct inquiry *inquiry)
{
    struct script_chain *chain = inquiry->chain;
    struct http_exchange *exchange = inquiry->exchange;

    timer_stop(&inquiry->limit);
    exchange->handler = NULL;
    exchange->hook_task = NULL;
    exchange->wants_body = false;
    inquiry->exchange = NULL;
    if (chain->spare == NULL)
        chain->spare = inquiry;
    else
        inquiry_free(inquiry);
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
    struct inquiry *inquiry = exchange->handler_data;

    (void)reason;
    task_stop(&inquiry->task);
    end(inquiry);
}

/* --- one script ----------------------------------------------------------- */

/* A coroutine that was given back has room for what reading takes. */
static enum hook_result
read_answer(struct inquiry *inquiry, lua_State *L)
{
    enum hook_result result;
    const char *why;

    if (lua_gettop(L) == 0)
        return HOOK_PASS; /* as most do */
    lua_settop(L, 2);
    result = verdict_read(&inquiry->verdict, inquiry->script, L, 1,
                          &inquiry->exchange->arena, &why);
    if (result == HOOK_FAILED)
        report_failure(inquiry->script, SCRIPT_HOOK_REQUEST, HOOK,
                       str_from(why));
    return result;
}

static enum hook_result
refuse(const struct script *script, const char *why)
{
    if (why == task_banned)
        report_fallback(script, SCRIPT_HOOK_REQUEST);
    else
        report_failure(script, SCRIPT_HOOK_REQUEST, HOOK, str_from(why));
    return HOOK_FAILED;
}

/* Calls the script's hook; HOOK_WAIT: on_task_end follows. */
static enum hook_result
call(struct inquiry *inquiry)
{
    struct script *script = inquiry->script;
    struct http_exchange *exchange = inquiry->exchange;
    lua_State *from = script->owner->vm->L;
    lua_State *L;

    if (outcast_holds(script))
        return refuse(script, task_banned);
    L = task_begin(&inquiry->task);
    if (L == NULL)
        return refuse(script, "no memory");
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->hooks[SCRIPT_HOOK_REQUEST]);
    lua_rawgeti(from, VM_REQUESTS, exchange->hook_ref);
    lua_xmove(from, L, 1);
    report_call(script, SCRIPT_HOOK_REQUEST);
    inquiry->task.script = script;
    inquiry->answer = HOOK_WAIT;
    inquiry->calling = true;
    task_run(&inquiry->task, 1);
    inquiry->calling = false;
    return inquiry->answer;
}

/* --- the chain ------------------------------------------------------------ */

/* A hook that failed counts as one that let pass, unless the section would
 * rather refuse. true: the next script is asked. */
static bool
take_answer(struct inquiry *inquiry, enum hook_result answer)
{
    if (answer == HOOK_PASS)
        return true;
    if (answer == HOOK_FAILED &&
        inquiry->chain->failure != SCRIPT_FAILURE_DENY) {
        inquiry->undecided = HOOK_FAILED;
        return true;
    }
    inquiry->outcome = answer;
    return false;
}

/* Asks the scripts that were not asked yet, until one decides or waits. */
static void
ask(struct inquiry *inquiry)
{
    const struct script_chain *chain = inquiry->chain;

    while (inquiry->next < chain->count) {
        inquiry->script = chain->scripts[inquiry->next++];
        if (inquiry->script->hooks[SCRIPT_HOOK_REQUEST] != LUA_NOREF &&
            !take_answer(inquiry, call(inquiry)))
            return;
    }
    inquiry->outcome = inquiry->undecided;
}

static void
on_task_end(struct task *task, lua_State *L, const char *raised)
{
    struct inquiry *inquiry = container_of(task, struct inquiry, task);

    inquiry->answer = raised == NULL ? read_answer(inquiry, L)
                                     : refuse(inquiry->script, raised);
    if (inquiry->calling)
        return;
    if (take_answer(inquiry, inquiry->answer))
        ask(inquiry);
    if (inquiry->outcome != HOOK_WAIT || inquiry->exchange->wants_body)
        exchange_wake(inquiry->exchange);
}

/* --- waiting -------------------------------------------------------------- */

/* While its body comes, the time is the client's, by client_timeout.  Whoever
 * calls a hook looks himself at what it waits for. */
static void
on_task_wait(struct task *task)
{
    struct inquiry *inquiry = container_of(task, struct inquiry, task);
    struct timer *limit = &inquiry->limit;
    uint64_t now_ms = clock_ms();

    if (!inquiry->exchange->wants_body) {
        if (!timer_is_running(limit))
            loop_start_timer(task->loop, limit, inquiry->left_ms);
        return;
    }
    if (timer_is_running(limit))
        inquiry->left_ms = limit->due_ms > now_ms ? limit->due_ms - now_ms : 0;
    timer_stop(limit);
    if (!inquiry->calling)
        exchange_wake(inquiry->exchange);
}

static void
on_limit(struct timer *timer)
{
    struct inquiry *inquiry = container_of(timer, struct inquiry, limit);
    char text[96];

    (void)snprintf(text, sizeof(text),
                   "it waited for longer than server_timeout, %" PRIu32 "ms",
                   inquiry->exchange->limits.server_timeout_ms);
    report_error(inquiry->script, SCRIPT_HOOK_REQUEST, HOOK, str_from(text));
    task_stop(&inquiry->task);
    inquiry->outcome = HOOK_LATE;
    exchange_wake(inquiry->exchange);
}

/* Asked again: its body may have come. */
static void
look_at_body(struct inquiry *inquiry)
{
    struct http_exchange *exchange = inquiry->exchange;

    if (!exchange->wants_body || !exchange->body_whole)
        return;
    exchange->wants_body = false;
    task_wake(&inquiry->task);
}

/* There is no handle to be had; why is on the top of the stack. */
static enum hook_result
fail_all(const struct script_chain *chain, lua_State *L)
{
    enum hook_result result = refuse(chain->scripts[0], lua_tostring(L, -1));

    lua_pop(L, 1);
    return result;
}

enum hook_result
inquiry_ask(struct script_chain *chain, struct http_exchange *exchange,
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
            return refuse(chain->scripts[0], "no memory");
        ask(inquiry);
    }
    outcome = inquiry->outcome;
    if (outcome == HOOK_WAIT)
        return outcome;
    *verdict = inquiry->verdict;
    end(inquiry);
    return outcome;
}
