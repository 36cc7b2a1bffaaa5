/* SPDX-License-Identifier: MIT */
#include "script/task.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdio.h>

#include "script/guard.h"
#include "script/quarantine.h"

enum {
    TURN_TICKS_MAX = 2,   /* of CPU time, that tasks take of a turn */
    TASK_TEXT_MAX = 1700, /* bytes of what was raised, with its traceback */
};

const char task_banned[] = "its script is quarantined";

/* --- the end -------------------------------------------------------------- */

/* Lets go of all that the task held, but its coroutine. */
static void
let_go(struct task *task)
{
    struct list *node;

    deferred_cancel(&task->next);
    timer_stop(&task->timer);
    task->waiting = task->late = false;
    while ((node = list_first(&task->guests)) != NULL) {
        struct task_guest *guest = container_of(node, struct task_guest, link);

        guest->end(guest);
    }
}

struct raised {
    lua_State *L; /* the coroutine, with what it raised on top */
    int status;
    char *text;
    size_t size;
};

/* Runs protected, since it needs memory. */
static int
describe(lua_State *L)
{
    const struct raised *raised = lua_touserdata(L, 1);
    const char *text;

    if (raised->status == LUA_ERRMEM)
        text = guard_memory_words();
    else if (lua_type(raised->L, -1) == LUA_TSTRING)
        text = lua_tostring(raised->L, -1);
    else
        text = lua_pushfstring(L, "(a %s was raised)",
                               luaL_typename(raised->L, -1));
    luaL_traceback(L, raised->L, text, 0);
    (void)snprintf(raised->text, raised->size, "%s", lua_tostring(L, -1));
    return 0;
}

/* A script can yield by itself, but nobody is there to resume it. */
static void
say_what(struct task *task, lua_State *L, int result, char *text, size_t size)
{
    struct raised raised = {
        .L = L, .status = result, .text = text, .size = size};

    if (result == LUA_YIELD) {
        (void)snprintf(text, size,
                       "it yielded outside of a coroutine of its own");
        return;
    }
    if (lua_cpcall(task->all->L, describe, &raised) == 0)
        return;
    lua_pop(task->all->L, 1);
    (void)snprintf(text, size, "not enough memory");
}

static void
finish(struct task *task, int result)
{
    struct coroutine coroutine = task->coroutine;
    struct coroutines *all = task->all;
    char text[TASK_TEXT_MAX];

    task->coroutine.L = NULL;
    stopwatch_record(&task->lap);
    let_go(task);
    if (result == 0) {
        task->on_end(task, coroutine.L, NULL);
        coroutine_give(all, coroutine);
        return;
    }
    say_what(task, coroutine.L, result, text, sizeof(text));
    coroutine_drop(all, coroutine);
    task->on_end(task, NULL, text);
}

/* --- running -------------------------------------------------------------- */

/* Have tasks had their share of this turn?  The others go on in the next one,
 * so that many that are due at once do not hold up everything else. */
static bool
is_turn_used(const struct task *task)
{
    struct coroutines *all = task->all;
    uint64_t turn = loop_turn(task->loop);

    if (all->turn != turn) {
        all->turn = turn;
        all->turn_ticks = guard_ticks();
    }
    return guard_ticks() - all->turn_ticks >= TURN_TICKS_MAX;
}

/* The calls before may have been the ones too many. */
static bool
is_banned(const struct task *task)
{
    return task->script != NULL && quarantine_holds(task->script);
}

static void
resume(struct task *task)
{
    lua_State *L = task->coroutine.L;
    int result;

    if (task->waiting) {
        lua_pushboolean(L, 0);
        task->args = 1;
    }
    task->waiting = false;
    task->all->running = task;
    guard_next(task->script);
    stopwatch_go_on(&task->lap);
    guard_begin(GUARD_HOOK);
    result = lua_resume(L, task->args);
    guard_end(result);
    task->all->running = NULL;
    if (result != LUA_YIELD || !task->waiting)
        finish(task, result);
    else if (task->on_wait != NULL)
        task->on_wait(task);
}

static void
run(struct deferred *deferred)
{
    struct task *task = container_of(deferred, struct task, next);

    if (is_turn_used(task)) {
        loop_defer(task->loop, &task->next);
    } else if (is_banned(task)) {
        task_stop(task);
        task->on_end(task, NULL, task_banned);
    } else {
        resume(task);
    }
}

static void
on_timer(struct timer *timer)
{
    struct task *task = container_of(timer, struct task, timer);

    task->late = true;
    task_wake(task);
}

void
task_init(struct task *task, struct coroutines *all, struct loop *loop,
          task_fn on_end)
{
    *task = (struct task){.all = all, .loop = loop, .on_end = on_end};
    deferred_init(&task->next, run);
    timer_init(&task->timer, on_timer);
    list_init(&task->guests);
}

lua_State *
task_begin(struct task *task)
{
    assert(task->coroutine.L == NULL);
    if (coroutine_take(&task->coroutine, task->all) < 0)
        return NULL;
    return task->coroutine.L;
}

void
task_go(struct task *task, int args)
{
    task->args = args;
    guard_next(NULL); /* it is told when the task runs */
    stopwatch_take(&task->lap);
    loop_defer(task->loop, &task->next);
}

void
task_run(struct task *task, int args)
{
    assert(task->all->running == NULL);
    task->args = args;
    stopwatch_take(&task->lap);
    resume(task);
}

void
task_stop(struct task *task)
{
    struct coroutine coroutine = task->coroutine;

    if (coroutine.L == NULL)
        return;
    assert(task->all->running != task);
    task->coroutine.L = NULL;
    let_go(task);
    coroutine_drop(task->all, coroutine);
}

/* --- waiting -------------------------------------------------------------- */

struct task *
task_of(lua_State *L, const char **why)
{
    struct task *task = coroutines_of(L)->running;

    if (task == NULL) {
        *why = "may be used only in a request, login or check hook and in "
               "functions of after() and every()";
        return NULL;
    }
    if (task->coroutine.L != L) {
        *why = "may not be used in a coroutine of the script's own";
        return NULL;
    }
    return task;
}

void
task_begin_wait(struct task *task)
{
    timer_stop(&task->timer);
    task->late = task->waiting = false;
}

int
task_wait(struct task *task, lua_State *L, uint64_t timeout_ms)
{
    if (timeout_ms != TASK_FOREVER && !task->late &&
        !timer_is_running(&task->timer))
        loop_start_timer(task->loop, &task->timer, timeout_ms);
    task->waiting = true;
    return lua_yield(L, 0);
}

void
task_wake(struct task *task)
{
    if (task->waiting)
        loop_defer(task->loop, &task->next);
}

void
task_hold(struct task *task, struct task_guest *guest)
{
    list_add_tail(&task->guests, &guest->link);
    task->guest_count++;
}

void
task_forget(struct task *task, struct task_guest *guest)
{
    list_remove(&guest->link);
    task->guest_count--;
}
