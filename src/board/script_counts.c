/* SPDX-License-Identifier: MIT */
#include "board/script_counts.h"

#include <stdio.h>
#include <string.h>

/* Control counts, too (board_control_number). */
static unsigned
process_count(const struct board *b)
{
    return board_worker_top(b) + 1;
}

static struct script_counters *
row_of_process(const struct board *b, unsigned process, unsigned hook, int row)
{
    unsigned worker =
        process < board_worker_top(b) ? process : b->header->limits.workers;

    return script_counts_row(b, worker, hook, row);
}

void
script_counts_use(struct board *b, int row, unsigned hook, const char *name)
{
    char *text = b->header->hook_names[hook];

    (void)snprintf(text, BOARD_HOOK_NAME_MAX + 1, "%s", name);
    atomic_fetch_or(&b->scripts[row].hooks, UINT32_C(1) << hook);
}

bool
script_counts_has(const struct board *b, int row, unsigned hook)
{
    return (atomic_load(&b->scripts[row].hooks) >> hook & 1) != 0;
}

struct script_counters *
script_counts_row(const struct board *b, unsigned worker, unsigned hook,
                  int row)
{
    size_t table = (size_t)worker * BOARD_HOOKS_MAX + hook;

    return &b->script_counters[table * b->header->limits.scripts + (size_t)row];
}

void
script_counts_clear(struct board *b, int row)
{
    for (unsigned hook = 0; hook < BOARD_HOOKS_MAX; hook++) {
        if (!script_counts_has(b, row, hook))
            continue;
        for (unsigned w = 0; w < process_count(b); w++)
            memset(row_of_process(b, w, hook, row), 0,
                   sizeof(*b->script_counters));
    }
    atomic_store(&b->scripts[row].hooks, 0);
}

/* SUM(name): adds a counter of the row at FROM to the totals at TO. */
#define SUM(name, kind, sentence) \
    to->name += atomic_load_explicit(&from->name, memory_order_relaxed);

static void
add_hook(struct script_totals *to, const struct board *b, int row,
         unsigned hook)
{
    if (!script_counts_has(b, row, hook))
        return;
    for (unsigned w = 0; w < process_count(b); w++) {
        const struct script_counters *from = row_of_process(b, w, hook, row);

        SCRIPT_COUNTERS(SUM)
    }
}

void
script_counts_sum_all(const struct board *b, int row, struct script_totals *out)
{
    *out = (struct script_totals){0};
    for (unsigned hook = 0; hook < BOARD_HOOKS_MAX; hook++)
        add_hook(out, b, row, hook);
}

void
script_counts_sum(const struct board *b, int row, unsigned hook,
                  struct script_totals *out)
{
    *out = (struct script_totals){0};
    add_hook(out, b, row, hook);
}

void
script_counts_times(const struct board *b, int row, unsigned hook,
                    struct times_sum *sum)
{
    if (!script_counts_has(b, row, hook))
        return;
    for (unsigned w = 0; w < process_count(b); w++)
        times_sum(sum, &row_of_process(b, w, hook, row)->times);
}
