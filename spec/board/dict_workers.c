/* SPDX-License-Identifier: MIT */
/*
 * Processes that work on dictionaries, for dict_spec.lua, which compiles this
 * together with src/board/dict*.c and calls it through the FFI:
 *
 *  - a stepper does one call under ptrace, and stands still between any two of
 *    its instructions until the spec goes on or kills it;
 *  - a vandal takes the lock, spoils all that can be made again, and dies;
 *  - a hammer counts up, sets and deletes without end until it is killed, and
 *    notes how often it has counted.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board/dict.h"
#include "board/dict_table.h"
#include "traced.h"

enum {
    HAMMER_KEYS = 200,
    HAMMER_TEXT_MAX = 3000,
};

enum call {
    CALL_GET,
    CALL_SET,
    CALL_ADD,
    CALL_INCR,
    CALL_DELETE,
};

/* What a stepper is to do. */
struct dict_call {
    int call; /* enum call */
    struct dict_table *table;
    struct dict_place place;
    struct dict_value value; /* its number: what is added, too */
    uint64_t ttl_ms;
    uint64_t now_ms;
};

/* Shared by the spec and all hammers. */
struct dict_notes {
    _Atomic uint64_t begun;    /* countings */
    _Atomic uint64_t finished; /* of them */
    _Atomic uint64_t operations;
    _Atomic uint64_t torn; /* values that nobody has set */
};

struct dict_table *dict_map(size_t size);
void dict_unmap(struct dict_table *t, size_t size);
int dict_stepper_start(struct traced *s, const struct dict_call *call);
bool dict_stepper_step(struct traced *s, unsigned count);
unsigned dict_stepper_changes(struct traced *s, const void *mem, size_t size,
                              unsigned *out, unsigned max);
int dict_kill(int pid);
int dict_vandal(struct dict_table *t, uint32_t seed);
int dict_hammer(struct dict_table *t, struct dict_notes *notes, uint32_t seed);

struct dict_table *
dict_map(size_t size)
{
    void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (mem == MAP_FAILED)
        return NULL;
    return dict_init(mem, size) == 0 ? mem : NULL;
}

void
dict_unmap(struct dict_table *t, size_t size)
{
    (void)munmap(t, size);
}

int
dict_kill(int pid)
{
    return traced_kill(pid);
}

/* --- steppers ------------------------------------------------------------- */

static void
do_call(const void *call)
{
    const struct dict_call *c = call;
    static char buffer[DICT_VALUE_MAX];
    const double init = 0;
    struct dict_value value;
    double sum;

    switch ((enum call)c->call) {
    case CALL_GET:
        (void)dict_get(c->table, &c->place, c->now_ms, &value, buffer);
        return;
    case CALL_SET:
        (void)dict_set(c->table, &c->place, &c->value, c->ttl_ms, c->now_ms);
        return;
    case CALL_ADD:
        (void)dict_add(c->table, &c->place, &c->value, c->ttl_ms, c->now_ms);
        return;
    case CALL_INCR:
        (void)dict_incr(c->table, &c->place, c->value.number, &init, c->ttl_ms,
                        c->now_ms, &sum);
        return;
    case CALL_DELETE:
        (void)dict_delete(c->table, &c->place, c->now_ms);
        return;
    }
}

int
dict_stepper_start(struct traced *s, const struct dict_call *call)
{
    return traced_start(s, do_call, call);
}

bool
dict_stepper_step(struct traced *s, unsigned count)
{
    return traced_step(s, count);
}

unsigned
dict_stepper_changes(struct traced *s, const void *mem, size_t size,
                     unsigned *out, unsigned max)
{
    return traced_changes(s, mem, size, out, max);
}

/* --- vandals -------------------------------------------------------------- */

/* All links and sums, but neither states nor what entries hold. */
static void
spoil(struct dict_table *t, uint32_t random)
{
    for (uint32_t i = 1; i <= t->used; i++) {
        struct dict_block *block = dict_block_at(t, i);

        if (block->state == DICT_ENTRY) {
            block->u.head.chain = traced_random(&random);
            block->u.head.newer = traced_random(&random);
            block->u.head.older = traced_random(&random);
        } else if (block->state == DICT_FREE) {
            block->more = traced_random(&random);
            block->u.head.hash = traced_random(&random);
        }
    }
    for (uint32_t i = 0; i <= t->mask; i++)
        dict_chains(t)[i] = traced_random(&random);
    for (unsigned i = 0; i < DICT_COUNT_MAX; i++)
        t->rows[i].entries = traced_random(&random);
    t->spare = traced_random(&random);
    t->free_count = traced_random(&random);
    t->newest = traced_random(&random);
    t->oldest = traced_random(&random);
}

/* A process that dies in the worst of moments. 0, or -1. */
int
dict_vandal(struct dict_table *t, uint32_t seed)
{
    int status;
    int pid = fork();

    if (pid == 0) {
        if (pthread_mutex_lock(&t->mutex) != 0)
            _exit(1);
        spoil(t, seed * 2654435761u | 1);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* --- hammers -------------------------------------------------------------- */

static char hammer_text[DICT_VALUE_MAX];

/* One letter over and over: a text of two was put together. */
static void
look(struct dict_table *t, struct dict_notes *notes,
     const struct dict_place *place)
{
    struct dict_value value;

    if (dict_get(t, place, 1, &value, hammer_text) != DICT_DONE ||
        value.kind != DICT_STRING)
        return;
    for (size_t i = 1; i < value.len; i++) {
        if (value.p[i] != value.p[0]) {
            atomic_fetch_add(&notes->torn, 1);
            return;
        }
    }
}

static void
hammer_once(struct dict_table *t, struct dict_notes *notes, uint32_t *random)
{
    static const double init = 0;
    char key[32];
    int len = snprintf(key, sizeof(key), "key %u",
                       traced_random(random) % HAMMER_KEYS);
    const struct dict_place place = {1, str_make(key, (size_t)len)};
    const struct dict_place total = {0, STR("total")};
    struct dict_value value = {.kind = DICT_STRING, .p = hammer_text};
    double sum;

    switch (traced_random(random) % 4) {
    case 0:
        memset(hammer_text, (int)('a' + traced_random(random) % 26),
               HAMMER_TEXT_MAX);
        value.len = traced_random(random) % HAMMER_TEXT_MAX;
        (void)dict_set(t, &place, &value, 0, 1);
        break;
    case 1:
        look(t, notes, &place);
        break;
    case 2:
        (void)dict_delete(t, &place, 1);
        break;
    default:
        atomic_fetch_add(&notes->begun, 1);
        (void)dict_incr(t, &total, 1, &init, 0, 1, &sum);
        atomic_fetch_add(&notes->finished, 1);
    }
    atomic_fetch_add(&notes->operations, 1);
}

/* Starts a process that works at random. Returns its pid. */
int
dict_hammer(struct dict_table *t, struct dict_notes *notes, uint32_t seed)
{
    uint32_t random = seed * 2654435761u | 1;
    int pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        hammer_once(t, notes, &random);
}
