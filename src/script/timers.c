/* SPDX-License-Identifier: MIT */
#include "script/timers.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/clock.h"
#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "script/quarantine.h"
#include "script/report.h"
#include "script/script.h"
#include "script/task.h"

struct script_timer {
    struct list link; /* in script->timers */
    struct script *script;
    int function;       /* a reference */
    uint64_t period_ms; /* of `every` */
    bool repeats;       /* `every`, not `after` */
    uint64_t due_ms;    /* when it was to be called */
    struct timer timer;
    struct task task;
};

static void
free_timer(struct script_timer *t)
{
    timer_stop(&t->timer);
    task_stop(&t->task);
    luaL_unref(t->task.all->L, LUA_REGISTRYINDEX, t->function);
    list_remove(&t->link);
    t->script->timer_count--;
    free(t);
}

static const char *
name_of(const struct script_timer *t)
{
    return t->repeats ? "a function of every()" : "a function of after()";
}

/* The next call is due a period after the last one was: calls that a slow one,
 * or a busy worker, has made late by more than a period are left out. */
static void
start_again(struct script_timer *t)
{
    uint64_t now_ms = clock_ms();

    t->due_ms += t->period_ms;
    if (t->due_ms <= now_ms)
        t->due_ms = now_ms + t->period_ms;
    loop_start_timer(t->task.loop, &t->timer, t->due_ms - now_ms);
}

/* `every` goes on until its function returns false. */
static void
on_end(struct task *task, lua_State *L, const char *raised)
{
    struct script_timer *t = container_of(task, struct script_timer, task);
    bool last = !t->repeats;

    if (raised == task_banned)
        last = true;
    else if (raised != NULL)
        report_error(t->script, name_of(t), str_from(raised));
    else if (lua_gettop(L) > 0 && lua_isboolean(L, 1) && !lua_toboolean(L, 1))
        last = true;
    if (last)
        free_timer(t);
    else
        start_again(t);
}

static void
on_timer(struct timer *timer)
{
    struct script_timer *t = container_of(timer, struct script_timer, timer);
    lua_State *L;

    if (quarantine_holds(t->script)) {
        timers_stop(t->script);
        return;
    }
    L = task_begin(&t->task);
    if (L == NULL) {
        report_error(t->script, name_of(t), STR("no memory"));
        /* What was to be done once is tried again. */
        t->period_ms = t->repeats ? t->period_ms : 1000;
        start_again(t);
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->function);
    report_call(t->script);
    task_go(&t->task, 0);
}

/* Its function is to be set. NULL without memory. */
static struct script_timer *
new_timer(struct script *script, struct coroutines *all, uint64_t delay_ms,
          bool repeats)
{
    const struct engine *engine = script->owner->runtime->engine;
    struct loop *loop = engine == NULL ? NULL : engine->loop;
    struct script_timer *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->script = script;
    t->repeats = repeats;
    t->period_ms = delay_ms;
    t->due_ms = clock_ms() + delay_ms;
    timer_init(&t->timer, on_timer);
    task_init(&t->task, all, loop, on_end);
    t->task.script = script;
    list_add_tail(&script->timers, &t->link);
    script->timer_count++;
    if (loop != NULL && script->phase == SCRIPT_SERVES)
        loop_start_timer(loop, &t->timer, delay_ms);
    return t;
}

static int
refuse(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

static int
start(lua_State *L)
{
    struct script *script = lua_touserdata(L, 1);
    lua_Number seconds = luaL_checknumber(L, 2);
    bool repeats = lua_toboolean(L, 4);
    struct script_timer *t;
    int function;

    luaL_argcheck(L, script != NULL, 1, "script expected");
    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (script->phase > SCRIPT_SERVES)
        return refuse(L, "another version of the script serves");
    if (script->timer_count == TIMERS_MAX)
        return refuse(L, "too many timers");
    lua_settop(L, 3);
    /* This may raise, and so goes first. */
    function = luaL_ref(L, LUA_REGISTRYINDEX);
    t = new_timer(script, coroutines_of(L), (uint64_t)(seconds * 1000),
                  repeats);
    if (t == NULL) {
        luaL_unref(L, LUA_REGISTRYINDEX, function);
        return refuse(L, "no memory");
    }
    t->function = function;
    lua_pushboolean(L, 1);
    return 1;
}

int
timers_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"start", start},
        {NULL, NULL},
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

void
timers_start(struct script *script)
{
    uint64_t now_ms = clock_ms();

    list_for_each(node, &script->timers)
    {
        struct script_timer *t = container_of(node, struct script_timer, link);

        t->due_ms = now_ms + t->period_ms;
        if (t->task.loop != NULL)
            loop_start_timer(t->task.loop, &t->timer, t->period_ms);
    }
}

void
timers_stop(struct script *script)
{
    struct list *node;

    while ((node = list_first(&script->timers)) != NULL)
        free_timer(container_of(node, struct script_timer, link));
}
