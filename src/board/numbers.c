/* SPDX-License-Identifier: MIT */
#include "board/numbers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/metric.h"
#include "board/ring.h"
#include "board/slots.h"

/* --- claiming ------------------------------------------------------------- */

static bool
is_free(const struct board *b, unsigned worker)
{
    return worker >= board_worker_top(b) || numbers_is_vacant(b, worker);
}

static void
raise_top(struct board *b, unsigned top)
{
    atomic_store_explicit(&b->header->worker_top, top, memory_order_release);
    if (b->metrics != NULL)
        metric_set_top(b->metrics, top);
}

/* The ring of one that has left may hold what it said last. */
static void
claim(struct board *b, unsigned worker, pid_t master)
{
    struct worker_row *row = &b->workers[worker];

    atomic_store(&row->restarts, 0);
    atomic_store(&row->script_generation, 0);
    atomic_store(&row->generation, 0);
    atomic_store(&row->since_ms, clock_wall_ms());
    atomic_store(&row->master, master);
    if (worker >= board_worker_top(b)) {
        (void)ring_init(board_ring(b, worker), b->header->limits.ring_bytes);
        raise_top(b, worker + 1);
    }
    atomic_store(&row->vacant, false);
}

int
numbers_claim(struct board *b, unsigned *numbers, unsigned count, pid_t master)
{
    unsigned found = 0;

    for (unsigned i = 0; i < b->header->limits.workers && found < count; i++) {
        if (is_free(b, i))
            numbers[found++] = i;
    }
    if (found < count) {
        errno = ENOSPC;
        return -1;
    }
    for (unsigned i = 0; i < count; i++)
        claim(b, numbers[i], master);
    return 0;
}

void
numbers_release(struct board *b, unsigned worker)
{
    atomic_store(&b->workers[worker].master, 0);
    atomic_store(&b->workers[worker].vacant, true);
}

/* --- generations ---------------------------------------------------------- */

static struct generation *
find(struct generation *list, unsigned count, pid_t master)
{
    for (unsigned i = 0; i < count; i++) {
        if (list[i].master == master)
            return &list[i];
    }
    return NULL;
}

static int
compare(const void *a, const void *b)
{
    const struct generation *x = a;
    const struct generation *y = b;

    return (x->since_ms > y->since_ms) - (x->since_ms < y->since_ms);
}

unsigned
numbers_generations(const struct board *b, struct generation *out,
                    unsigned most)
{
    unsigned count = 0;

    for (unsigned i = 0; i < board_worker_top(b); i++) {
        const struct worker_row *row = &b->workers[i];
        pid_t master = atomic_load(&row->master);
        struct generation *g = find(out, count, master);

        if (numbers_is_vacant(b, i) || (g == NULL && count == most))
            continue;
        if (g == NULL) {
            g = &out[count++];
            *g = (struct generation){
                .master = master,
                .since_ms = atomic_load(&row->since_ms),
            };
        }
        g->workers++;
        g->sessions += slot_held(b, i, board_global_slot());
    }
    qsort(out, count, sizeof(*out), compare);
    return count;
}
