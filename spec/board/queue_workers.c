/* SPDX-License-Identifier: MIT */
/*
 * Processes that work on queues, for queue_spec.lua, which compiles this
 * together with src/board/queue.c and calls it through the FFI:
 *
 *  - a stepper does one call under ptrace, and stands still between any two of
 *    its instructions until the spec goes on or kills it;
 *  - a vandal takes the lock, spoils all that can be made again, and dies;
 *  - a hammer enters, leaves, settles, takes and gives without end until it is
 *    parked or killed, and notes which entries are its own.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include "board/queue.h"
#include "board/queue_layout.h"
#include "board/slots.h"
#include "traced.h"

enum {
    HAMMER_ENTRIES = 12,
    HAMMER_SERVERS = 2,
    HAMMER_LIMIT = 3, /* slots of each server */
};

enum call {
    CALL_ENTER,
    CALL_LEAVE,
    CALL_RETURN,
    CALL_SETTLE,
    CALL_NEXT,
};

/* What a stepper is to do. */
struct queue_call {
    int call; /* enum call */
    struct board *board;
    struct queue_place place; /* worker and upstream of all calls */
    int entry;
    const int *rows;
    unsigned count;
};

/* Shared by the spec and all hammers. */
struct hammer_notes {
    _Atomic int park; /* set: every hammer stops itself between two calls */
    _Atomic uint64_t operations;
    _Atomic uint64_t served;
    struct {
        int entries[HAMMER_ENTRIES]; /* BOARD_NONE: none */
        int held[HAMMER_SERVERS];
    } of[BOARD_WORKERS_MAX];
};

int queue_stepper_start(struct traced *s, const struct queue_call *call);
bool queue_stepper_step(struct traced *s, unsigned count);
unsigned queue_stepper_changes(struct traced *s, const void *mem, size_t size,
                               unsigned *out, unsigned max);
int queue_kill(int pid);
int queue_wait_stopped(int pid);
int queue_vandal(struct board *b, uint32_t seed);
int queue_hammer(struct board *b, struct hammer_notes *notes, unsigned worker,
                 uint32_t seed);

int
queue_kill(int pid)
{
    return traced_kill(pid);
}

int
queue_wait_stopped(int pid)
{
    return traced_wait(pid);
}

/* --- steppers ------------------------------------------------------------- */

static void
do_call(const void *call)
{
    const struct queue_call *c = call;
    uint32_t ahead;

    switch ((enum call)c->call) {
    case CALL_ENTER:
        (void)queue_enter(c->board, &c->place, &ahead);
        return;
    case CALL_LEAVE:
        queue_leave(c->board, c->entry, QUEUE_EXPIRED);
        return;
    case CALL_RETURN:
        queue_return(c->board, c->entry);
        return;
    case CALL_SETTLE:
        (void)queue_settle(c->board, c->place.upstream, c->rows, c->count,
                           c->place.worker);
        return;
    case CALL_NEXT:
        (void)queue_next_granted(c->board, c->place.worker);
        return;
    }
}

int
queue_stepper_start(struct traced *s, const struct queue_call *call)
{
    return traced_start(s, do_call, call);
}

bool
queue_stepper_step(struct traced *s, unsigned count)
{
    return traced_step(s, count);
}

unsigned
queue_stepper_changes(struct traced *s, const void *mem, size_t size,
                      unsigned *out, unsigned max)
{
    return traced_changes(s, mem, size, out, max);
}

/* --- vandals -------------------------------------------------------------- */

/* All links and sums, but neither states nor who is what. */
static void
spoil(struct board *b, uint32_t random)
{
    struct queue_table *table = b->queue_table;

    for (uint32_t i = 1; i <= table->used; i++) {
        struct queue_entry *entry = &b->queue_entries[i];

        entry->child = traced_random(&random);
        entry->next = traced_random(&random);
        entry->prev = traced_random(&random);
    }
    for (unsigned i = 0;
         i < b->header->limits.upstreams + b->header->limits.servers; i++) {
        b->queues[i].waiting += traced_random(&random) % 3;
        b->queues[i].granted = traced_random(&random);
        b->queues[i].root = traced_random(&random);
    }
    table->spare = traced_random(&random);
    for (unsigned i = 0; i < b->header->limits.workers; i++)
        table->granted[i].first = table->granted[i].last =
            traced_random(&random);
}

/* A process that dies in the worst of moments. 0, or -1. */
int
queue_vandal(struct board *b, uint32_t seed)
{
    int status;
    int pid = fork();

    if (pid == 0) {
        if (pthread_mutex_lock(&b->queue_table->mutex) != 0)
            _exit(1);
        spoil(b, seed * 2654435761u | 1);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* --- hammers -------------------------------------------------------------- */

struct hammer {
    struct board *board;
    struct hammer_notes *notes;
    unsigned worker;
    uint32_t random;
};

static const int hammer_rows[HAMMER_SERVERS] = {0, 1};

static void
hammer_settle(const struct hammer *h)
{
    (void)queue_settle(h->board, 0, hammer_rows, HAMMER_SERVERS, h->worker);
}

static void
hammer_enter(struct hammer *h, int *entry)
{
    uint32_t ahead;
    const struct queue_place place = {
        .upstream = 0,
        .server = (int)(traced_random(&h->random) % 6) < 5
                      ? BOARD_NONE
                      : (int)(traced_random(&h->random) % HAMMER_SERVERS),
        .worker = h->worker,
        .priority = (int32_t)(traced_random(&h->random) % 3),
    };

    *entry = queue_enter(h->board, &place, &ahead);
    hammer_settle(h);
}

static int *
hammer_find(const struct hammer *h, int entry)
{
    int *entries = h->notes->of[h->worker].entries;

    for (unsigned i = 0; i < HAMMER_ENTRIES; i++) {
        if (entries[i] == entry)
            return &entries[i];
    }
    return NULL;
}

/* A turn: it has a slot, or waits on. */
static void
hammer_turn(struct hammer *h)
{
    int number = queue_next_granted(h->board, h->worker);
    int *entry = number == BOARD_NONE ? NULL : hammer_find(h, number);
    unsigned first = traced_random(&h->random) % HAMMER_SERVERS;
    uint32_t queue;

    if (entry == NULL)
        return;
    queue = h->board->queue_entries[number].queue;
    for (unsigned i = 0; i < HAMMER_SERVERS; i++) {
        unsigned server = (first + i) % HAMMER_SERVERS;

        if (queue > 0 && queue != h->board->header->limits.upstreams + server)
            continue;
        if (!slot_take(h->board, h->worker, 1 + server, HAMMER_LIMIT))
            continue;
        h->notes->of[h->worker].held[server]++;
        *entry = BOARD_NONE;
        queue_leave(h->board, number, QUEUE_SERVED);
        atomic_fetch_add(&h->notes->served, 1);
        return;
    }
    queue_return(h->board, number);
}

static void
hammer_once(struct hammer *h)
{
    unsigned server = traced_random(&h->random) % HAMMER_SERVERS;
    int *held = &h->notes->of[h->worker].held[server];
    int *entry = &h->notes->of[h->worker]
                      .entries[traced_random(&h->random) % HAMMER_ENTRIES];
    int number = *entry;

    hammer_turn(h);
    if (*held > 0) {
        --*held;
        slot_give(h->board, h->worker, 1 + server);
        hammer_settle(h);
    }
    if (number == BOARD_NONE && *entry == BOARD_NONE) {
        hammer_enter(h, entry);
    } else if (*entry != BOARD_NONE && traced_random(&h->random) % 4 == 0) {
        number = *entry;
        *entry = BOARD_NONE;
        queue_leave(h->board, number, QUEUE_EXPIRED);
        hammer_settle(h);
    }
    atomic_fetch_add_explicit(&h->notes->operations, 1, memory_order_relaxed);
}

/* Starts a process that works at random. Returns its pid. */
int
queue_hammer(struct board *b, struct hammer_notes *notes, unsigned worker,
             uint32_t seed)
{
    struct hammer h = {b, notes, worker, seed * 2654435761u | 1};
    int pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The spec, which stops and kills these, should not wait for its turn. */
    setpriority(PRIO_PROCESS, 0, 10);
    memset(notes->of[worker].held, 0, sizeof(notes->of[worker].held));
    for (unsigned i = 0; i < HAMMER_ENTRIES; i++)
        notes->of[worker].entries[i] = BOARD_NONE;
    for (;;) {
        if (atomic_load(&notes->park))
            raise(SIGSTOP);
        hammer_once(&h);
    }
}
