/* SPDX-License-Identifier: MIT */
#include "board/render_generations.h"

#include <inttypes.h>

#include "base/clock.h"
#include "board/numbers.h"

/* The newest serves, and the others drain. */
static const char *
state_of(unsigned i, unsigned count)
{
    return i + 1 == count ? "serving" : "draining";
}

void
generations_text(struct buf *out, const struct board *b)
{
    struct generation list[BOARD_WORKERS_MAX];
    unsigned count = numbers_generations(b, list, BOARD_WORKERS_MAX);

    if (count < 2)
        return;
    buf_printf(out, "\n%-10s %8s %8s %8s %11s\n", "generation", "pid", "for",
               "workers", "sessions");
    for (unsigned i = 0; i < count; i++)
        buf_printf(out, "%-10s %8ld %7" PRIu64 "s %8u %11" PRIu32 "\n",
                   state_of(i, count), (long)list[i].master,
                   clock_seconds_since(list[i].since_ms), list[i].workers,
                   list[i].sessions);
}

void
generations_json(struct buf *out, const struct board *b)
{
    struct generation list[BOARD_WORKERS_MAX];
    unsigned count = numbers_generations(b, list, BOARD_WORKERS_MAX);

    buf_str(out, STR(",\"generations\":["));
    for (unsigned i = 0; i < count; i++)
        buf_printf(out,
                   "%s{\"pid\":%ld,\"since_ms\":%" PRIu64
                   ",\"workers\":%u,\"sessions\":%" PRIu32 ",\"state\":\"%s\"}",
                   i == 0 ? "" : ",", (long)list[i].master, list[i].since_ms,
                   list[i].workers, list[i].sessions, state_of(i, count));
    buf_char(out, ']');
}
