/* SPDX-License-Identifier: MIT */
#include "script/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <lauxlib.h>
#include <luajit.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/board.h"
#include "script/quarantine.h"
#include "script/script.h"
#include "script/stopwatch.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    TICK_MS = 10,            /* of CPU time */
    TICK_SIGNAL = SIGVTALRM, /* nobody else's */
    WORDS_MAX = 96,
    RAISED_MAX = 512, /* bytes of what is raised for the time, with its place */
    HEADROOM = 32,    /* what a collection leaves at least: 1/32 */
    STACK_MAX = 512 * 1024, /* bytes of the C stack that a call may use */
    STRUCK_MAX = 8,         /* scripts that are known of in a turn */
};

/* Fields that the signal's handler reads are volatile; it runs in the same
 * thread. */
static struct {
    lua_State *L; /* NULL: nothing is guarded */
    timer_t timer;
    bool has_timer;

    /* Time. */
    volatile uint32_t call;      /* a number, other for each call */
    volatile bool active;        /* a call is under way */
    volatile bool over;          /* it has used up its time */
    volatile uint32_t ticks;     /* that it may see */
    uint32_t seen_call;          /* by the last tick */
    uint32_t seen_ticks;         /* of that call */
    volatile uint32_t all_ticks; /* of all calls */
    const char *stack;           /* where it began */
    enum guard_kind kind;
    uint64_t budgets_ms[GUARD_KINDS];
    uint32_t budgets[GUARD_KINDS]; /* in ticks */

    /* Memory. */
    lua_Alloc allocate; /* LuaJIT's own */
    void *allocate_arg;
    size_t used;
    size_t limit;
    size_t mark;     /* above it all is collected, before there is none left */
    bool collect;    /* asked of the hook */
    bool refused;    /* in the call under way */
    bool is_limited; /* the call under way */

    /* Whose call. */
    const struct script *next;
    const struct script *script;
    const struct script *struck[STRUCK_MAX]; /* in the turn of that time */
    unsigned struck_count;
    char words[RAISED_MAX]; /* what the call under way was told; "": nothing */
    uint64_t struck_us;
    struct board *board;  /* a worker's, else NULL */
    struct board *shared; /* that of any process; NULL: there is none */
    unsigned worker;
} guard = {
    .budgets_ms = {50, 1000}, .budgets = {5, 100}, .limit = 64 * 1024 * 1024};

/* --- the hook ------------------------------------------------------------- */

static void on_hook(lua_State *L, lua_Debug *ar);

/* Has the VM call on_hook at its next instruction, in compiled code too.  From
 * a signal's handler or the allocator.  It is taken off first, as a tick may
 * have come while LuaJIT changed its tables. */
static void
set_hook(void)
{
    (void)lua_sethook(guard.L, NULL, 0, 0);
    (void)lua_sethook(guard.L, on_hook, LUA_MASKCOUNT, 1);
    (void)raise(SIGPROF);
}

/* Where the next collection comes: halfway to the limit, so that the more is in
 * use the oftener. */
static void
set_mark(void)
{
    size_t left = guard.used < guard.limit ? guard.limit - guard.used : 0;
    size_t least = guard.limit / HEADROOM;

    left = left / 2 > least ? left / 2 : least;
    guard.mark = guard.used + left;
    if (guard.mark < guard.limit - guard.limit / 4)
        guard.mark = guard.limit - guard.limit / 4;
}

static void
collect(lua_State *L)
{
    guard.collect = false;
    (void)lua_gc(L, LUA_GCCOLLECT, 0);
    set_mark();
}

static void
on_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    if (guard.over) {
        (void)guard_raise(L);
        return;
    }
    (void)lua_sethook(L, NULL, 0, 0);
    if (guard.collect)
        collect(L);
    if (guard.over) /* meanwhile */
        set_hook();
}

static void
on_tick(int number)
{
    int saved = errno;

    (void)number;
    if (!guard.active)
        return;
    guard.all_ticks++;
    stopwatch_notice();
    if (guard.call != guard.seen_call) {
        guard.seen_call = guard.call;
        guard.seen_ticks = 0;
        /* Many calls in a turn, none of which is long, are work, and no
         * reason to take the worker for stuck. */
        if (guard.board != NULL)
            board_beat_again(guard.board, guard.worker);
    } else if (++guard.seen_ticks >= guard.ticks) {
        guard.over = true;
        set_hook();
    }
    errno = saved;
}

bool
guard_is_over(void)
{
    return guard.over;
}

uint32_t
guard_ticks(void)
{
    return guard.all_ticks;
}

bool
guard_is_deep(void)
{
    const char *here = __builtin_frame_address(0);

    return guard.active && guard.stack - here > STACK_MAX;
}

int
guard_raise(lua_State *L)
{
    uint64_t ms = guard.budgets_ms[guard.kind];
    char words[WORDS_MAX];

    guard.is_limited = false; /* the message and the traceback need some */
    /* Thousands of pcalls may each catch it. */
    if (guard.words[0] != '\0') {
        lua_pushstring(L, guard.words);
        return lua_error(L);
    }
    (void)snprintf(
        words, sizeof(words), "used more than its %" PRIu64 "%s of CPU time",
        ms % 1000 == 0 ? ms / 1000 : ms, ms % 1000 == 0 ? "s" : "ms");
    luaL_where(L, 0); /* a hook has no place of its own */
    if (lua_objlen(L, -1) == 0) {
        lua_pop(L, 1);
        luaL_where(L, 1); /* but a function in C has */
    }
    lua_pushstring(L, words);
    lua_concat(L, 2);
    (void)snprintf(guard.words, sizeof(guard.words), "%s", lua_tostring(L, -1));
    return lua_error(L);
}

/* --- memory --------------------------------------------------------------- */

/* As lua_Alloc. */
static void *
allocate(void *arg, void *p, size_t old, size_t size)
{
    void *result;

    (void)arg;
    if (size > old && guard.is_limited) {
        size_t wanted = guard.used + (size - old);

        if (wanted > guard.limit) {
            guard.refused = true;
            return NULL;
        }
        if (wanted > guard.mark && !guard.collect) {
            guard.collect = true;
            set_hook();
        }
    }
    result = guard.allocate(guard.allocate_arg, p, old, size);
    if (result != NULL || size == 0)
        guard.used += size - old;
    return result;
}

const char *
guard_memory_words(void)
{
    static char words[WORDS_MAX];
    size_t kib = guard.limit / 1024;

    if (!guard.refused)
        return "not enough memory";
    (void)snprintf(words, sizeof(words),
                   "not enough memory: scripts have used their %zu%s",
                   kib % 1024 == 0 ? kib / 1024 : kib,
                   kib % 1024 == 0 ? "m" : "k");
    return words;
}

size_t
guard_used(void)
{
    return guard.used;
}

/* --- calls ---------------------------------------------------------------- */

static void
note_running(const struct script *script)
{
    if (guard.board != NULL)
        atomic_store_explicit(&guard.board->workers[guard.worker].script,
                              script == NULL ? 0 : script->row + 1,
                              memory_order_relaxed);
}

void
guard_next(const struct script *script)
{
    guard.next = script;
}

void
guard_begin(enum guard_kind kind)
{
    guard.kind = kind;
    guard.ticks = guard.budgets[kind];
    guard.stack = __builtin_frame_address(0);
    guard.script = guard.next;
    guard.next = NULL;
    guard.is_limited = guard.script != NULL;
    guard.refused = false;
    guard.words[0] = '\0';
    note_running(guard.script);
    guard.call++;
    stopwatch_start();
    guard.active = true;
}

/* The clock stands still in a turn, and so names it. */
static void
note_struck(const struct script *script)
{
    if (guard.struck_us != clock_us())
        guard.struck_count = 0;
    guard.struck_us = clock_us();
    if (guard.struck_count < STRUCK_MAX)
        guard.struck[guard.struck_count++] = script;
}

bool
guard_has_struck(const struct script *script)
{
    if (guard.struck_count == 0 || guard.struck_us != clock_us())
        return false;
    for (unsigned i = 0; i < guard.struck_count; i++) {
        if (guard.struck[i] == script)
            return true;
    }
    return false;
}

/* Something has gone wrong, or was about to. */
static void
clean_up(int status)
{
    const struct script *script = guard.script;
    bool over = guard.over;

    (void)lua_sethook(guard.L, NULL, 0, 0);
    guard.over = false;
    if (guard.refused || guard.collect)
        collect(guard.L);
    if (status == 0 || status == LUA_YIELD || script == NULL)
        return;
    if (over) {
        note_struck(script);
        quarantine_strike(guard.shared, script, STRIKE_TIME);
        return;
    }
    if (guard.refused)
        quarantine_strike(guard.shared, script, STRIKE_MEMORY);
}

void
guard_end(int status)
{
    guard.active = false;
    guard.is_limited = false;
    stopwatch_stop();
    if (guard.over || guard.refused || guard.collect)
        clean_up(status);
    note_running(NULL);
}

/* --- the whole ------------------------------------------------------------ */

/* The profiler's: what it tells is of no use. */
static void
on_profile(void *arg, lua_State *L, int samples, int state)
{
    (void)arg;
    (void)L;
    (void)samples;
    (void)state;
}

static int
start_timer(void)
{
    static const struct itimerval off;
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID,
        .sigev_signo = TICK_SIGNAL,
    };
    struct itimerspec every = {
        .it_interval.tv_nsec = TICK_MS * 1000000L,
        .it_value.tv_nsec = TICK_MS * 1000000L,
    };

    event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &guard.timer) < 0)
        return -1;
    guard.has_timer = true;
    luaJIT_profile_start(guard.L, "li1000", on_profile, NULL);
    if (setitimer(ITIMER_PROF, &off, NULL) < 0 ||
        sigaction(TICK_SIGNAL, &action, NULL) < 0)
        return -1;
    return timer_settime(guard.timer, 0, &every, NULL);
}

void
guard_open(lua_State *L)
{
    guard.L = L;
    guard.active = guard.over = guard.collect = guard.refused = false;
    guard.allocate = lua_getallocf(L, &guard.allocate_arg);
    guard.used = (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024 +
                 (size_t)lua_gc(L, LUA_GCCOUNTB, 0);
    set_mark();
    lua_setallocf(L, allocate, NULL);
    if (start_timer() < 0)
        log_error("scripts run without a limit of CPU time: no timer: %s",
                  strerror(errno));
}

/* LuaJIT knows its own allocator, and drops all of its memory at once. */
void
guard_close(void)
{
    if (guard.has_timer) {
        timer_delete(guard.timer);
        signal(TICK_SIGNAL, SIG_IGN);
        luaJIT_profile_stop(guard.L);
    }
    guard.has_timer = false;
    lua_setallocf(guard.L, guard.allocate, guard.allocate_arg);
    guard.L = NULL;
    guard.board = NULL;
}

void
guard_set_limits(uint64_t budget_ms, uint64_t load_budget_ms,
                 uint64_t memory_bytes)
{
    guard.budgets_ms[GUARD_HOOK] = budget_ms;
    guard.budgets_ms[GUARD_LOAD] = load_budget_ms;
    for (int i = 0; i < GUARD_KINDS; i++)
        guard.budgets[i] =
            (uint32_t)((guard.budgets_ms[i] + TICK_MS - 1) / TICK_MS);
    guard.limit = memory_bytes;
    set_mark();
}

void
guard_set_board(struct board *board, unsigned worker)
{
    bool is_worker = board != NULL && worker < board->header->limits.workers;

    guard.board = is_worker ? board : NULL;
    guard.shared = board;
    guard.worker = worker;
}
