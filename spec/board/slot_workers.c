/* SPDX-License-Identifier: MIT */
/*
 * Processes that take and give slots, for slots_spec.lua, which compiles this
 * and calls it through the FFI:
 *
 *  - a stepper does one take or give under ptrace, and stands still between any
 *    two of its instructions for as long as the spec likes;
 *  - a hammer takes and gives without end until it is parked or killed, and
 *    notes what it holds by its own reckoning.
 *
 * The functions under test come as pointers: hammers use the core library's, of
 * whatever build; steppers those of src/board/slots.c compiled into this helper
 * with -O2, since there are five times as many instructions without.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traced.h"

typedef bool (*take_fn)(void *board, unsigned worker, unsigned slot,
                        uint32_t limit);
typedef void (*give_fn)(void *board, unsigned worker, unsigned slot);

struct slot_calls {
    take_fn take;
    give_fn give;
    void *board;
};

enum {
    HAMMER_SLOTS_MAX = 16,
};

/* Where a stepper is: what it has returned. */
enum stepper_result {
    STEPPER_RUNNING, /* the call has not returned */
    STEPPER_TAKEN,   /* slot_take said true */
    STEPPER_REFUSED, /* slot_take said false */
    STEPPER_GIVEN,   /* slot_give returned */
};

/* Shared by the spec and all hammers. */
struct hammer_board {
    _Atomic int park; /* set: every hammer stops itself between two calls */
    uint32_t slots;   /* how many are hammered, from 0 */
    uint32_t limits[HAMMER_SLOTS_MAX];
    uint32_t held[64][HAMMER_SLOTS_MAX]; /* by each hammer's own reckoning */
    _Atomic uint64_t operations;
};

int stepper_start(struct traced *s, const struct slot_calls *calls, bool take,
                  unsigned worker, unsigned slot, uint32_t limit);
bool stepper_step(struct traced *s, unsigned count);
int stepper_finish(struct traced *s);
unsigned stepper_changes(struct traced *s, const void *mem, size_t size,
                         unsigned *out, unsigned max);
int hammer_start(const struct slot_calls *calls, struct hammer_board *shared,
                 unsigned worker, unsigned seed);
int process_kill(int pid);
int process_wait_stopped(int pid);
int process_continue(int pid);

static void
run_stepper(struct traced *s, const struct slot_calls *calls, bool take,
            unsigned worker, unsigned slot, uint32_t limit)
{
    traced_begin();
    if (take) {
        bool taken = calls->take(calls->board, worker, slot, limit);

        s->returned = taken ? STEPPER_TAKEN : STEPPER_REFUSED;
    } else {
        calls->give(calls->board, worker, slot);
        s->returned = STEPPER_GIVEN;
    }
    _exit(0);
}

/* Starts a process that stands still right before one operation. S is in memory
 * that both share. Returns 0, or -1. */
int
stepper_start(struct traced *s, const struct slot_calls *calls, bool take,
              unsigned worker, unsigned slot, uint32_t limit)
{
    int pid;

    s->returned = STEPPER_RUNNING;
    pid = fork();
    if (pid == 0)
        run_stepper(s, calls, take, worker, slot, limit);
    s->pid = pid;
    return pid > 0 ? process_wait_stopped(pid) : -1;
}

/* Lets it do COUNT instructions. False once its operation has returned. */
bool
stepper_step(struct traced *s, unsigned count)
{
    return traced_step(s, count);
}

/* Lets it go on to its end. Returns what its operation said. */
int
stepper_finish(struct traced *s)
{
    int status;

    if (ptrace(PTRACE_CONT, s->pid, NULL, NULL) < 0 ||
        waitpid(s->pid, &status, 0) != s->pid)
        return -1;
    return s->returned;
}

/* Steps through its operation and notes after which steps the SIZE bytes at MEM
 * had changed: those are the moments that a death can leave behind. Returns how
 * many there are. */
unsigned
stepper_changes(struct traced *s, const void *mem, size_t size, unsigned *out,
                unsigned max)
{
    return traced_changes(s, mem, size, out, max);
}

static void
hammer_once(const struct slot_calls *calls, struct hammer_board *shared,
            unsigned worker, uint32_t *random)
{
    unsigned slot = traced_random(random) % shared->slots;
    uint32_t *held = &shared->held[worker][slot];

    if (*held > 0 && traced_random(random) % 2 == 0) {
        calls->give(calls->board, worker, slot);
        --*held;
    } else if (calls->take(calls->board, worker, slot, shared->limits[slot])) {
        ++*held;
    }
    atomic_fetch_add_explicit(&shared->operations, 1, memory_order_relaxed);
}

/* Starts a process that takes and gives at random. Returns its pid. */
int
hammer_start(const struct slot_calls *calls, struct hammer_board *shared,
             unsigned worker, unsigned seed)
{
    int pid = fork();
    uint32_t random = seed * 2654435761u | 1;

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The spec, which stops and kills these, should not wait for its turn. */
    setpriority(PRIO_PROCESS, 0, 10);
    memset(shared->held[worker], 0, sizeof(shared->held[worker]));
    for (;;) {
        if (atomic_load(&shared->park))
            raise(SIGSTOP);
        hammer_once(calls, shared, worker, &random);
    }
}

/* SIGKILL, and waits until it is dead. */
int
process_kill(int pid)
{
    return traced_kill(pid);
}

/* Waits until it has stopped itself. */
int
process_wait_stopped(int pid)
{
    return traced_wait(pid);
}

int
process_continue(int pid)
{
    return kill(pid, SIGCONT);
}
