/* SPDX-License-Identifier: MIT */
#include "base/window.h"

#include <string.h>

void
window_init(struct window *w, uint64_t span_ms)
{
    *w = (struct window){.span_ms = span_ms};
}

/* Parts may be shorter than a millisecond. */
static uint64_t
part_of(const struct window *w, uint64_t now_ms)
{
    return now_ms * WINDOW_PARTS / w->span_ms;
}

static void
go_on(struct window *w, uint64_t now_ms)
{
    uint64_t part = part_of(w, now_ms);

    if (part >= w->part + WINDOW_PARTS)
        window_clear(w);
    else
        while (w->part < part)
            w->counts[++w->part % WINDOW_PARTS] = 0;
    w->part = part;
}

void
window_add(struct window *w, uint64_t now_ms, uint64_t n)
{
    go_on(w, now_ms);
    w->counts[w->part % WINDOW_PARTS] += n;
}

uint64_t
window_sum(struct window *w, uint64_t now_ms)
{
    uint64_t sum = 0;

    go_on(w, now_ms);
    for (unsigned i = 0; i < WINDOW_PARTS; i++)
        sum += w->counts[i];
    return sum;
}

void
window_clear(struct window *w)
{
    memset(w->counts, 0, sizeof(w->counts));
}
