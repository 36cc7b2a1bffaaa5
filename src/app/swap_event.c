/* SPDX-License-Identifier: MIT */
#include "app/swap_event.h"

#include "app/swap_history.h"
#include "app/swap_job.h"
#include "board/events.h"
#include "script/bundle.h"

void
swap_event_changed(struct board *board, const struct swap_job *job,
                   const struct versions *v)
{
    const struct bundle *now = history_current(v);
    bool back = job->kind == SWAP_ROLLBACK || job->kind == SWAP_OVERDUE;

    event_note(board, EVENT_SCRIPT, "script %s %s version %s, by %s", now->name,
               back ? "rolled back to" : "exchanged for", bundle_hash(now),
               job->who);
}

static struct str
first_line(struct str why)
{
    ptrdiff_t end = str_find_char(why, '\n', 0);

    return end < 0 ? why : str_slice(why, 0, (size_t)end);
}

void
swap_event_refused(struct board *board, const struct swap_job *job,
                   const struct versions *v, struct str why)
{
    struct str line = first_line(why);

    if (job->kind == SWAP_ALL)
        event_note(board, EVENT_RELOAD,
                   "the configuration stays as it is: " STR_FMT " (by %s)",
                   STR_ARG(line), job->who);
    else if (v == NULL)
        event_note(board, EVENT_SCRIPT,
                   "scripts stay as they are: " STR_FMT " (by %s)",
                   STR_ARG(line), job->who);
    else
        event_note(board, EVENT_SCRIPT,
                   "script %s stays at version %s: " STR_FMT " (by %s)",
                   history_current(v)->name, bundle_hash(history_current(v)),
                   STR_ARG(line), job->who);
}
