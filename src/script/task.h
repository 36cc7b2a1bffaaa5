/* SPDX-License-Identifier: MIT */
/*
 * A task: one call of a hook that may wait. It runs in a coroutine; what waits
 * yields, and goes on when what it waits for is there:
 *
 *     task_begin ─▶ hook, arguments ─▶ task_go ─▶ … end of the turn: it runs
 *                                                       │         ▲
 *                     task_wait: it yields ◀────────────┤         │
 *                          └── a stream, the timer ── task_wake ──┘
 *                                                       └─▶ on_end
 *
 * Only the end of a turn of the loop resumes a task, and only where it has not
 * been stopped, nor its script quarantined: so a callback never runs a script,
 * and what was left while it waited is never resumed.  What could call a script
 * itself may begin a hook at once (task_run): one that does not wait has ended
 * then. Lua's side has each
 * function that waits try again after a wake, whatever it was woken for.
 */
#ifndef SCRIPT_TASK_H
#define SCRIPT_TASK_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "net/loop.h"
#include "script/coroutine.h"
#include "script/stopwatch.h"

struct script;
struct task;

#define TASK_FOREVER UINT64_MAX /* as long as the task may run */

/* What RAISED is where the script was quarantined before the hook had ended. */
extern const char task_banned[];

/* The hook has returned what is on L's stack; or RAISED says what it raised,
 * with a traceback, and L is NULL. All that the task held is gone: the next one
 * may begin. */
typedef void (*task_fn)(struct task *task, lua_State *L, const char *raised);

/* Something that ends with its task: a connection. `end` takes it out. */
struct task_guest {
    struct list link;
    void (*end)(struct task_guest *guest);
};

struct task {
    struct coroutines *all;
    struct loop *loop;
    task_fn on_end;
    void (*on_wait)(struct task *task); /* it waits now; NULL: so be it */
    const struct script *script;        /* whose hook it is, for the guard */
    struct stopwatch_lap lap;           /* how long it took until now */
    struct coroutine coroutine;         /* L is NULL: no hook is under way */
    struct deferred next;               /* to run at the end of the turn */
    struct timer timer;                 /* of what it waits for */
    struct list guests;
    unsigned guest_count;
    int args;     /* on the coroutine's stack, for when it runs next */
    bool waiting; /* by task_wait */
    bool late;    /* the timer has rung: it waits in vain */
};

/* A task that does nothing yet, with the coroutines of a VM. */
void task_init(struct task *task, struct coroutines *all, struct loop *loop,
               task_fn on_end);

/* Begins a hook: where to push the function and its arguments, all of which
 * must be there already, as nothing is there to catch what needs memory. NULL
 * without memory. Not while one is under way. */
lua_State *task_begin(struct task *task) MUST_CHECK;

/* Has it run at the end of the turn, or of one of the next where there is much
 * to do. on_end follows, unless it is stopped. */
void task_go(struct task *task, int args);

/* Runs it now, until it waits or on_end was called; where no script runs. */
void task_run(struct task *task, int args);

/* Ends what is under way, if anything, wherever it waits; on_end is not
 * called. */
void task_stop(struct task *task);

/* For functions that wait, called by the hook. ------------------------------*/

/* The task whose own coroutine L is. NULL: L may not wait, and *WHY says why,
 * in words that follow "it waits, and". */
struct task *task_of(lua_State *L, const char **why);

/* A new wait begins: what was left of another is forgotten. */
void task_begin_wait(struct task *task);

/* Yields until the task is woken; to be returned. The first one of a wait sets
 * the timer; once it has rung, `late` is set. Gives Lua `false`: try again. */
int task_wait(struct task *task, lua_State *L, uint64_t timeout_ms);

/* What it may have waited for is there. */
void task_wake(struct task *task);

/* GUEST ends with the task, or before by task_forget. */
void task_hold(struct task *task, struct task_guest *guest);
void task_forget(struct task *task, struct task_guest *guest);

#endif
