/* SPDX-License-Identifier: MIT */
#include "app/stuck.h"

#include <time.h>

#include "base/log.h"
#include "board/board.h"
#include "board/events.h"
#include "board/strikes.h"

bool
stuck_read_cpu(pid_t pid, uint64_t *ms)
{
    clockid_t clock;
    struct timespec used;

    if (clock_getcpuclockid(pid, &clock) != 0 ||
        clock_gettime(clock, &used) < 0)
        return false;
    *ms = (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
    return true;
}

bool
stuck_look(struct stuck *seen, const struct board *board, unsigned worker,
           pid_t pid, uint64_t grace_ms)
{
    uint64_t heartbeat = atomic_load(&board->workers[worker].heartbeat_ms);
    uint64_t cpu_ms;

    if (!stuck_read_cpu(pid, &cpu_ms))
        return false; /* it has just ended */
    if (pid == seen->pid && heartbeat == seen->heartbeat)
        return cpu_ms - seen->cpu_ms >= grace_ms;
    *seen =
        (struct stuck){.pid = pid, .heartbeat = heartbeat, .cpu_ms = cpu_ms};
    return false;
}

void
stuck_blame(struct board *board, unsigned worker, const char *name, pid_t pid)
{
    int script = atomic_load(&board->workers[worker].script);
    struct script_row *row;

    if (script < 1 || (unsigned)script > board->header->limits.scripts) {
        log_error("%s (pid %ld) is stuck; killing it", name, (long)pid);
        return;
    }
    row = &board->scripts[script - 1];
    log_error("%s (pid %ld) is stuck in script %s; killing it", name, (long)pid,
              row->name.text);
    if (!strikes_condemn(row, STRIKE_STUCK))
        return;
    log_error("script %s: quarantined: %s", row->name.text,
              strikes_words(STRIKE_STUCK));
    event_note(board, EVENT_QUARANTINE, "script %s quarantined: %s",
               row->name.text, strikes_words(STRIKE_STUCK));
}
