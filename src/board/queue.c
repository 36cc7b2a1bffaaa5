/* SPDX-License-Identifier: MIT */
#include "board/queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "board/changes.h"
#include "board/queue_layout.h"
#include "board/robust.h"
#include "board/slots.h"
#include "board/slots_layout.h"
#include "board/state.h"
#include "board/wake.h"

enum {
    PORTION_PART = 32, /* of those that wait, let go at once */
    PORTION_MIN = 4,
    UNLIMITED = SLOT_LIMIT_MAX,
};

static struct queue_entry *
entry_at(const struct board *b, uint32_t number)
{
    return &b->queue_entries[number];
}

static uint32_t
server_queue(const struct board *b, int server)
{
    return b->header->limits.upstreams + (uint32_t)server;
}

static struct queue_row *
queue_at(const struct board *b, uint32_t queue)
{
    return &b->queues[queue];
}

/* Views show how many wait for a server. */
static void
note(struct board *b, uint32_t queue)
{
    if (queue >= b->header->limits.upstreams)
        changes_note(b, (int)(queue - b->header->limits.upstreams));
}

/* --- the heap ------------------------------------------------------------- */

static bool
goes_before(const struct queue_entry *a, const struct queue_entry *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->seq < b->seq;
}

/* Two heaps in one; either may be empty. Its root, which has no siblings. */
static uint32_t
meld(const struct board *b, uint32_t one, uint32_t other)
{
    struct queue_entry *front;
    struct queue_entry *behind;

    if (one == 0 || other == 0)
        return one == 0 ? other : one;
    if (goes_before(entry_at(b, other), entry_at(b, one))) {
        uint32_t swap = one;

        one = other;
        other = swap;
    }
    front = entry_at(b, one);
    behind = entry_at(b, other);
    behind->next = front->child;
    behind->prev = one;
    if (front->child != 0)
        entry_at(b, front->child)->prev = other;
    front->child = other;
    return one;
}

static uint32_t
detach(const struct board *b, uint32_t number)
{
    struct queue_entry *entry = entry_at(b, number);
    uint32_t next = entry->next;

    entry->next = entry->prev = 0;
    return next;
}

/* A list of siblings in one heap: in pairs from the left, the pairs from the
 * right, on which the amortised logarithm rests. */
static uint32_t
meld_siblings(const struct board *b, uint32_t first)
{
    uint32_t pairs = 0;
    uint32_t root = 0;

    while (first != 0) {
        uint32_t one = first;
        uint32_t other = detach(b, one);
        uint32_t pair;

        first = other == 0 ? 0 : detach(b, other);
        pair = meld(b, one, other);
        entry_at(b, pair)->next = pairs;
        pairs = pair;
    }
    while (pairs != 0) {
        uint32_t pair = pairs;

        pairs = detach(b, pair);
        root = meld(b, root, pair);
    }
    return root;
}

static void
heap_add(const struct board *b, uint32_t number)
{
    struct queue_entry *entry = entry_at(b, number);
    struct queue_row *queue = queue_at(b, entry->queue);

    entry->child = entry->next = entry->prev = 0;
    queue->root = meld(b, queue->root, number);
}

static void
heap_remove(const struct board *b, uint32_t number)
{
    struct queue_entry *entry = entry_at(b, number);
    struct queue_row *queue = queue_at(b, entry->queue);
    uint32_t children = meld_siblings(b, entry->child);

    if (queue->root == number) {
        queue->root = children;
    } else {
        struct queue_entry *prev = entry_at(b, entry->prev);

        if (prev->child == number)
            prev->child = entry->next;
        else
            prev->next = entry->next;
        if (entry->next != 0)
            entry_at(b, entry->next)->prev = entry->prev;
        queue->root = meld(b, queue->root, children);
    }
    entry->child = entry->next = entry->prev = 0;
}

/* --- lists ---------------------------------------------------------------- */

static void
add_spare(struct board *b, uint32_t number)
{
    entry_at(b, number)->next = b->queue_table->spare;
    b->queue_table->spare = number;
}

static void
list_append(const struct board *b, struct queue_list *list, uint32_t number)
{
    struct queue_entry *entry = entry_at(b, number);

    entry->next = 0;
    entry->prev = list->last;
    if (list->last != 0)
        entry_at(b, list->last)->next = number;
    else
        list->first = number;
    list->last = number;
}

/* Takes NUMBER out of LIST; one that is not in it is left alone. */
static void
list_drop(const struct board *b, struct queue_list *list, uint32_t number)
{
    struct queue_entry *entry = entry_at(b, number);

    if (entry->prev == 0 && list->first != number)
        return;
    if (entry->prev != 0)
        entry_at(b, entry->prev)->next = entry->next;
    else
        list->first = entry->next;
    if (entry->next != 0)
        entry_at(b, entry->next)->prev = entry->prev;
    else
        list->last = entry->prev;
    entry->next = entry->prev = 0;
}

/* --- the lock ------------------------------------------------------------- */

/* How many wait in each queue. Who gives a slot back reads `waiting` without
 * the lock, so it is never less than it should be, not even for a moment;
 * `granted` has the sum until then. */
static void
count_again(struct board *b)
{
    unsigned queues = b->header->limits.upstreams + b->header->limits.servers;

    for (unsigned i = 0; i < queues; i++)
        b->queues[i].granted = 0;
    for (uint32_t i = 1; i <= b->queue_table->used; i++) {
        const struct queue_entry *entry = entry_at(b, i);

        if (atomic_load(&entry->state) != QUEUE_FREE)
            queue_at(b, entry->queue)->granted++;
    }
    for (unsigned i = 0; i < queues; i++) {
        atomic_store(&b->queues[i].waiting, b->queues[i].granted);
        b->queues[i].granted = 0;
        b->queues[i].root = 0;
    }
}

/* Puts an entry where its state says that it belongs. A granted one goes to the
 * heap that its worker's list is made of; its worker may be told twice. */
static void
place_again(struct board *b, uint32_t number)
{
    struct queue_entry *entry = entry_at(b, number);
    uint32_t *granted = &b->queue_table->granted[entry->worker].first;

    switch ((enum queue_state)atomic_load(&entry->state)) {
    case QUEUE_FREE:
        add_spare(b, number);
        return;
    case QUEUE_WAITING:
        heap_add(b, number);
        return;
    case QUEUE_GRANTED:
        queue_at(b, entry->queue)->granted++;
        entry->child = entry->next = entry->prev = 0;
        *granted = meld(b, *granted, number);
        return;
    }
}

static void
make_list_of_heap(const struct board *b, struct queue_list *list)
{
    uint32_t root = list->first;

    *list = (struct queue_list){.first = 0};
    while (root != 0) {
        uint32_t front = root;

        root = meld_siblings(b, entry_at(b, front)->child);
        entry_at(b, front)->child = 0;
        list_append(b, list, front);
    }
}

/* Whoever had the lock was killed: makes everything again from the entries. */
static void
rebuild(struct board *b)
{
    struct queue_table *table = b->queue_table;
    unsigned workers = b->header->limits.workers;

    count_again(b);
    for (unsigned i = 0; i < workers; i++)
        table->granted[i] = (struct queue_list){.first = 0};
    table->spare = 0;
    for (uint32_t i = 1; i <= table->used; i++)
        place_again(b, i);
    for (unsigned i = 0; i < workers; i++)
        make_list_of_heap(b, &table->granted[i]);
}

static void
take_over(struct board *b)
{
    rebuild(b);
    (void)pthread_mutex_consistent(&b->queue_table->mutex);
}

static void
lock(struct board *b)
{
    if (pthread_mutex_lock(&b->queue_table->mutex) == EOWNERDEAD)
        take_over(b);
}

/* As long as who has the lock is stopped, nobody else gets it: the master, who
 * has others to look after, does not wait for that. */
static int
lock_patiently(struct board *b)
{
    uint64_t due_ms;
    struct timespec due;
    int error;

    (void)clock_gettime(CLOCK_MONOTONIC, &due);
    due_ms = (uint64_t)due.tv_nsec / 1000000 + QUEUE_PATIENCE_MS;
    due.tv_sec += (time_t)(due_ms / 1000);
    due.tv_nsec = (long)(due_ms % 1000) * 1000000;
    error =
        pthread_mutex_clocklock(&b->queue_table->mutex, CLOCK_MONOTONIC, &due);
    if (error == EOWNERDEAD) {
        take_over(b);
        return 0;
    }
    errno = error;
    return error == 0 ? 0 : -1;
}

static void
unlock(struct board *b)
{
    pthread_mutex_unlock(&b->queue_table->mutex);
}

int
queue_init(struct board *b)
{
    return robust_init(&b->queue_table->mutex);
}

/* --- entering and leaving ------------------------------------------------- */

static uint32_t
take_entry(struct board *b)
{
    struct queue_table *table = b->queue_table;

    uint32_t number = table->spare;

    if (number != 0) {
        table->spare = detach(b, number);
        return number;
    }
    return table->used < b->header->limits.entries ? ++table->used : 0;
}

int
queue_enter(struct board *b, const struct queue_place *place, uint32_t *ahead)
{
    struct queue_table *table = b->queue_table;
    struct queue_entry *entry;
    struct queue_row *queue;
    uint32_t number;

    assert(place->worker < b->header->limits.workers);
    lock(b);
    number = take_entry(b);
    if (number == 0) {
        unlock(b);
        return BOARD_NONE;
    }
    entry = entry_at(b, number);
    entry->queue = place->server == BOARD_NONE ? (uint32_t)place->upstream
                                               : server_queue(b, place->server);
    entry->worker = place->worker;
    entry->priority = place->priority;
    entry->seq = ++table->seq;
    entry->entered_ms = clock_ms();
    atomic_store(&entry->state, QUEUE_WAITING);
    queue = queue_at(b, entry->queue);
    *ahead = atomic_fetch_add(&queue->waiting, 1);
    heap_add(b, number);
    counter_add(&queue->entered, 1);
    if (*ahead + 1 > atomic_load(&queue->most))
        atomic_store(&queue->most, *ahead + 1);
    note(b, entry->queue);
    unlock(b);
    return (int)number;
}

/* A granted entry is one no more. */
static void
revoke(struct board *b, uint32_t number)
{
    struct queue_entry *entry = entry_at(b, number);

    queue_at(b, entry->queue)->granted--;
    list_drop(b, &b->queue_table->granted[entry->worker], number);
}

void
queue_return(struct board *b, int number)
{
    struct queue_entry *entry = entry_at(b, (uint32_t)number);

    lock(b);
    assert(atomic_load(&entry->state) == QUEUE_GRANTED);
    revoke(b, (uint32_t)number);
    atomic_store(&entry->state, QUEUE_WAITING);
    heap_add(b, (uint32_t)number);
    unlock(b);
}

static void
leave(struct board *b, uint32_t number)
{
    struct queue_entry *entry = entry_at(b, number);
    uint32_t state = atomic_exchange(&entry->state, QUEUE_FREE);

    assert(state != QUEUE_FREE);
    if (state == QUEUE_GRANTED)
        revoke(b, number);
    else
        heap_remove(b, number);
    atomic_fetch_sub(&queue_at(b, entry->queue)->waiting, 1);
    note(b, entry->queue);
    add_spare(b, number);
}

/* By whoever has the lock, so plain loads and stores do. */
static void
count_leaving(const struct board *b, const struct queue_entry *entry,
              enum queue_end why)
{
    struct queue_row *queue = queue_at(b, entry->queue);
    uint64_t now = clock_ms();
    uint64_t ms = now > entry->entered_ms ? now - entry->entered_ms : 0;

    counter_add(&queue->waited_ms, ms);
    if (ms > atomic_load(&queue->longest_ms))
        atomic_store(&queue->longest_ms, (uint32_t)ms);
    if (why == QUEUE_EXPIRED)
        counter_add(&queue->expired, 1);
}

void
queue_leave(struct board *b, int number, enum queue_end why)
{
    lock(b);
    count_leaving(b, entry_at(b, (uint32_t)number), why);
    leave(b, (uint32_t)number);
    unlock(b);
}

int
queue_forget_worker(struct board *b, unsigned worker)
{
    if (lock_patiently(b) < 0)
        return -1;
    for (uint32_t i = 1; i <= b->queue_table->used; i++) {
        const struct queue_entry *entry = entry_at(b, i);

        if (entry->worker == worker && atomic_load(&entry->state) != QUEUE_FREE)
            leave(b, i);
    }
    unlock(b);
    return 0;
}

int
queue_next_granted(struct board *b, unsigned worker)
{
    struct queue_list *list = &b->queue_table->granted[worker];
    uint32_t number;

    lock(b);
    number = list->first;
    if (number != 0)
        list_drop(b, list, number);
    unlock(b);
    return number == 0 ? BOARD_NONE : (int)number;
}

/* --- settling ------------------------------------------------------------- */

enum {
    WAKE_BITS = 64, /* in a word of a set of workers */
    WAKE_WORDS = (BOARD_WORKERS_MAX + WAKE_BITS - 1) / WAKE_BITS,
};

/* While one settles. */
struct settling {
    struct board *b;
    struct queue_row *queue; /* the upstream's */
    const int *rows;
    unsigned count;
    bool backups;               /* they stand in */
    uint32_t free;              /* slots for work that any server may do */
    uint64_t wakes[WAKE_WORDS]; /* set of workers */
    bool paced;
};

/* What is meant for one server also goes to one that drains. */
static bool
takes_pinned(const struct server_row *server)
{
    return atomic_load(&server->up) &&
           atomic_load(&server->admin) != SERVER_MAINT;
}

/* Slots of a server that neither somebody has nor is to try. */
static uint32_t
free_slots(const struct settling *s, int row)
{
    const struct board *b = s->b;
    uint32_t maxconn = (uint32_t)atomic_load(&b->servers[row].maxconn);
    uint32_t taken = slots_count(b->slots, board_server_slot(row)) +
                     queue_at(b, server_queue(b, row))->granted;

    if (maxconn == 0)
        return UNLIMITED;
    return taken < maxconn ? maxconn - taken : 0;
}

/* Backups stand in while no other is in service (proxy/roster.h). */
static bool
on_backups(const struct settling *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        int row = s->rows[i];

        if (!atomic_load(&s->b->servers[row].backup) &&
            board_in_service(s->b, row))
            return false;
    }
    return true;
}

/* Slots for work that any server may do. One that others wait for by name has
 * none. */
static uint32_t
count_free(const struct settling *s)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < s->count; i++) {
        int row = s->rows[i];
        uint32_t more;

        if (atomic_load(&s->b->servers[row].backup) != s->backups ||
            !board_in_service(s->b, row) || queue_of_server(s->b, row) > 0)
            continue;
        more = free_slots(s, row);
        if (more == UNLIMITED)
            return UNLIMITED;
        sum += more;
    }
    return sum > s->queue->granted ? sum - s->queue->granted : 0;
}

static void
grant(struct settling *s, struct queue_row *queue)
{
    uint32_t number = queue->root;
    struct queue_entry *entry = entry_at(s->b, number);

    heap_remove(s->b, number);
    atomic_store(&entry->state, QUEUE_GRANTED);
    queue->granted++;
    list_append(s->b, &s->b->queue_table->granted[entry->worker], number);
    s->wakes[entry->worker / WAKE_BITS] |= UINT64_C(1)
                                           << entry->worker % WAKE_BITS;
}

/* Where there is no limit, those who have waited come in portions, so that a
 * server that has just come back is not met by all of them at once. */
static uint32_t
portion(struct settling *s, struct queue_row *queue, uint32_t room)
{
    uint64_t now = clock_ms();
    uint32_t waiting = atomic_load(&queue->waiting) - queue->granted;
    uint32_t part = waiting / PORTION_PART;

    if (room != UNLIMITED || waiting == 0)
        return room;
    s->paced = true;
    if (now < queue->paced_ms + QUEUE_PACE_MS)
        return 0;
    queue->paced_ms = now;
    return part > PORTION_MIN ? part : PORTION_MIN;
}

static void
settle_queue(struct settling *s, struct queue_row *queue, uint32_t room)
{
    room = portion(s, queue, room);
    while (room-- > 0 && queue->root != 0)
        grant(s, queue);
}

static void
settle_all(struct settling *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        int row = s->rows[i];
        struct queue_row *queue = queue_at(s->b, server_queue(s->b, row));

        if (queue->root != 0 && takes_pinned(&s->b->servers[row]))
            settle_queue(s, queue, free_slots(s, row));
    }
    if (s->queue->root == 0)
        return;
    s->backups = on_backups(s);
    settle_queue(s, s->queue, count_free(s));
}

/* Wakes all that had grants but SELF. Was SELF among them? */
static bool
wake_granted(const struct settling *s, unsigned self)
{
    bool own = false;

    for (unsigned i = 0; i < WAKE_WORDS; i++) {
        for (uint64_t set = s->wakes[i]; set != 0; set &= set - 1) {
            unsigned worker = i * WAKE_BITS + (unsigned)__builtin_ctzll(set);

            if (worker == self)
                own = true;
            else
                wake_worker(s->b, worker);
        }
    }
    return own;
}

struct queue_settled
queue_settle(struct board *b, int upstream, const int *rows, unsigned count,
             unsigned worker)
{
    struct settling s = {
        .b = b,
        .queue = queue_at(b, (uint32_t)upstream),
        .rows = rows,
        .count = count,
    };

    lock(b);
    settle_all(&s);
    unlock(b);
    return (struct queue_settled){
        .own = wake_granted(&s, worker),
        .paced = s.paced,
    };
}
