/* SPDX-License-Identifier: MIT */
#include "script/sweep.h"

#include <lua.h>

#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "script/script.h"
#include "script/vm.h"

enum {
    SWEEP_CYCLES = 2,     /* the one under way may have seen them alive */
    SWEEP_STEP_KIB = 256, /* some tenths of a millisecond */
    SWEEP_FLUSH = 16,     /* swaps, after which machine code is dropped */
};

/* Runs protected: finalizers of a trusted script may raise. */
static int
step(lua_State *L)
{
    struct scripts *scripts = lua_touserdata(L, 1);

    if (lua_gc(L, LUA_GCSTEP, SWEEP_STEP_KIB) != 0)
        scripts->sweeps--;
    return 0;
}

static void
on_turn(struct deferred *deferred)
{
    struct scripts *scripts = container_of(deferred, struct scripts, sweep);
    lua_State *L = scripts->vm->L;

    if (lua_cpcall(L, step, scripts) != 0) {
        lua_pop(L, 1);
        scripts->sweeps = 0;
    }
    if (scripts->sweeps > 0)
        loop_defer(scripts->runtime->engine->loop, &scripts->sweep);
}

void
sweep_init(struct scripts *scripts)
{
    deferred_init(&scripts->sweep, on_turn);
}

void
sweep_start(struct scripts *scripts)
{
    const struct engine *engine = scripts->runtime->engine;

    if (++scripts->gone % SWEEP_FLUSH == 0)
        vm_flush(scripts->vm);
    if (engine == NULL || engine->loop == NULL)
        return;
    scripts->sweeps = SWEEP_CYCLES;
    loop_defer(engine->loop, &scripts->sweep);
}

void
sweep_stop(struct scripts *scripts)
{
    deferred_cancel(&scripts->sweep);
}
