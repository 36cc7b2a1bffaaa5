/* SPDX-License-Identifier: MIT */
#include "script/inquiry.h"

#include <inttypes.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "script/outcast.h"
#include "script/report.h"
#include "script/verdict.h"
#include "script/vm.h"

static void on_task_end(struct task *task, lua_State *L, const char *raised);
static void on_task_wait(struct task *task);
static void on_limit(struct timer *timer);

/* --- life ----------------------------------------------------------------- */

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

struct inquiry *
inquiry_begin(struct script_chain *chain, const struct inquiry_kind *kind,
              void *about, uint64_t wait_ms)
{
    struct inquiry *inquiry = chain->spare;

    chain->spare = NULL;
    if (inquiry == NULL)
        inquiry = inquiry_new(chain);
    if (inquiry == NULL)
        return NULL;
    inquiry->kind = kind;
    inquiry->about = about;
    inquiry->arena = NULL;
    inquiry->next = 0;
    inquiry->undecided = HOOK_PASS;
    inquiry->outcome = HOOK_WAIT;
    inquiry->verdict = (struct hook_verdict){0};
    inquiry->wait_ms = inquiry->left_ms = wait_ms;
    return inquiry;
}

void
inquiry_end(struct inquiry *inquiry)
{
    struct script_chain *chain = inquiry->chain;

    task_stop(&inquiry->task);
    timer_stop(&inquiry->limit);
    inquiry->about = NULL;
    if (chain->spare == NULL)
        chain->spare = inquiry;
    else
        inquiry_free(inquiry);
}

/* --- one script ----------------------------------------------------------- */

enum hook_result
inquiry_fail(const struct script *script, const struct inquiry_kind *kind,
             const char *why)
{
    if (why == task_banned)
        report_fallback(script, kind->hook);
    else if (kind->refuses)
        report_error(script, kind->hook, kind->name, str_from(why));
    else
        report_failure(script, kind->hook, kind->name, str_from(why));
    return HOOK_FAILED;
}

/* A coroutine that was given back has room for what reading takes. The script's
 * words are those of its last refusal, and others may follow until somebody
 * asks for this one. */
static enum hook_result
read_answer(struct inquiry *inquiry, lua_State *L)
{
    enum hook_result result;
    const char *why;

    if (lua_gettop(L) == 0)
        return HOOK_PASS; /* as most do */
    lua_settop(L, 2);
    result = verdict_read(&inquiry->verdict, inquiry->script, L, 1,
                          inquiry->arena, &why);
    if (result == HOOK_FAILED)
        return inquiry_fail(inquiry->script, inquiry->kind, why);
    if (result == HOOK_DENY)
        memcpy(inquiry->reason, inquiry->script->reason,
               sizeof(inquiry->reason));
    return result;
}

/* Calls the script's hook; HOOK_WAIT: on_task_end follows. */
static enum hook_result
call(struct inquiry *inquiry)
{
    const struct inquiry_kind *kind = inquiry->kind;
    struct script *script = inquiry->script;
    lua_State *L;
    int args;

    if (outcast_holds(script))
        return inquiry_fail(script, kind, task_banned);
    L = task_begin(&inquiry->task);
    if (L == NULL)
        return inquiry_fail(script, kind, "no memory");
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->hooks[kind->hook]);
    args = kind->push(inquiry, L);
    report_call(script, kind->hook);
    inquiry->task.script = script;
    inquiry->answer = HOOK_WAIT;
    inquiry->calling = true;
    task_run(&inquiry->task, args);
    inquiry->calling = false;
    return inquiry->answer;
}

/* --- the chain ------------------------------------------------------------ */

static bool
is_refused(const struct inquiry *inquiry)
{
    return inquiry->kind->refuses ||
           inquiry->chain->failure == SCRIPT_FAILURE_DENY;
}

/* A hook that failed counts as one that let pass, unless that refuses. true:
 * the next script is asked. */
static bool
take_answer(struct inquiry *inquiry, enum hook_result answer)
{
    if (answer == HOOK_PASS)
        return true;
    if (answer == HOOK_FAILED && !is_refused(inquiry)) {
        inquiry->undecided = HOOK_FAILED;
        return true;
    }
    inquiry->outcome = answer;
    return false;
}

void
inquiry_ask(struct inquiry *inquiry)
{
    const struct script_chain *chain = inquiry->chain;
    enum script_hook hook = inquiry->kind->hook;

    while (inquiry->next < chain->count) {
        inquiry->script = chain->scripts[inquiry->next++];
        if (inquiry->script->hooks[hook] != LUA_NOREF &&
            !take_answer(inquiry, call(inquiry)))
            return;
    }
    inquiry->outcome = inquiry->undecided;
}

enum hook_result
inquiry_answer(struct inquiry *inquiry, struct hook_verdict *verdict)
{
    struct script *script = inquiry->script;

    if (inquiry->outcome == HOOK_WAIT)
        return HOOK_WAIT;
    *verdict = inquiry->verdict;
    if (inquiry->outcome == HOOK_DENY) {
        memcpy(script->reason, inquiry->reason, sizeof(script->reason));
        verdict->reason = str_from(script->reason);
    }
    return inquiry->outcome;
}

/* --- waiting -------------------------------------------------------------- */

static bool
is_held(const struct inquiry *inquiry)
{
    return inquiry->kind->is_held != NULL && inquiry->kind->is_held(inquiry);
}

static void
on_task_end(struct task *task, lua_State *L, const char *raised)
{
    struct inquiry *inquiry = container_of(task, struct inquiry, task);

    inquiry->answer =
        raised == NULL ? read_answer(inquiry, L)
                       : inquiry_fail(inquiry->script, inquiry->kind, raised);
    if (inquiry->calling)
        return;
    if (take_answer(inquiry, inquiry->answer))
        inquiry_ask(inquiry);
    if (inquiry->outcome != HOOK_WAIT)
        timer_stop(&inquiry->limit); /* it is asked for later */
    if (inquiry->outcome != HOOK_WAIT || is_held(inquiry))
        inquiry->kind->on_wake(inquiry);
}

/* Whoever calls a hook looks himself at what it waits for. */
static void
on_task_wait(struct task *task)
{
    struct inquiry *inquiry = container_of(task, struct inquiry, task);
    struct timer *limit = &inquiry->limit;
    uint64_t now_ms = clock_ms();

    if (!is_held(inquiry)) {
        if (!timer_is_running(limit))
            loop_start_timer(task->loop, limit, inquiry->left_ms);
        return;
    }
    if (timer_is_running(limit))
        inquiry->left_ms = limit->due_ms > now_ms ? limit->due_ms - now_ms : 0;
    timer_stop(limit);
    if (!inquiry->calling)
        inquiry->kind->on_wake(inquiry);
}

static void
on_limit(struct timer *timer)
{
    struct inquiry *inquiry = container_of(timer, struct inquiry, limit);
    const struct inquiry_kind *kind = inquiry->kind;
    char text[96];

    (void)snprintf(text, sizeof(text),
                   "it waited for longer than %s, %" PRIu64 "ms", kind->limit,
                   inquiry->wait_ms);
    report_error(inquiry->script, kind->hook, kind->name, str_from(text));
    task_stop(&inquiry->task);
    inquiry->outcome = HOOK_LATE;
    kind->on_wake(inquiry);
}
