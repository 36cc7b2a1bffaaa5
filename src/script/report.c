/* SPDX-License-Identifier: MIT */
#include "script/report.h"

#include <stddef.h>

#include "board/script_counts.h"
#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "script/guard.h"
#include "script/script.h"

_Static_assert((int)SCRIPT_SEEN_COUNT <= (int)BOARD_HOOKS_MAX, "hooks");

enum {
    REPORT_TEXT_MAX = 1700, /* leaves room for what stands before it */
};

const char *
report_flatten(char *to, size_t size, struct str text)
{
    size_t len = 0;
    bool blank = false;

    for (size_t i = 0; i < text.len && len + 4 < size; i++) {
        char c = text.p[i];

        if (c == '\n') {
            memcpy(to + len, " | ", 3);
            len += 3;
            blank = true;
            continue;
        }
        /* The indentation of a traceback. */
        if (blank && (c == '\t' || c == ' '))
            continue;
        blank = false;
        to[len++] =
            c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f) ? c : '?';
    }
    to[len] = '\0';
    return to;
}

void
report_text(const struct script *script, enum log_level level, struct str text)
{
    char line[REPORT_TEXT_MAX];

    log_at(level, "script %s: %s", script->name,
           report_flatten(line, sizeof(line), text));
}

void
report_use(struct script *script, unsigned hook, const char *name)
{
    const struct engine *engine = script->owner->runtime->engine;
    struct stopwatch *seen = &script->seen[hook];

    if (script->row == BOARD_NONE || seen->counters != NULL)
        return;
    script_counts_use(engine->board, script->row, hook, name);
    seen->counters =
        script_counts_row(engine->board, engine->worker, hook, script->row);
}

void
report_call(struct script *script, unsigned hook)
{
    struct stopwatch *seen = &script->seen[hook];

    guard_next(script);
    if (seen->counters == NULL)
        return;
    counter_add(&seen->counters->calls, 1);
    stopwatch_next(seen);
}

void
report_error(const struct script *script, unsigned hook, const char *name,
             struct str text)
{
    struct script_counters *counters = script->seen[hook].counters;
    char line[REPORT_TEXT_MAX];

    log_error("script %s: %s of %s failed: %s", script->name, name,
              script->user, report_flatten(line, sizeof(line), text));
    if (counters != NULL)
        counter_add(&counters->errors, 1);
}

void
report_fallback(const struct script *script, unsigned hook)
{
    struct script_counters *counters = script->seen[hook].counters;

    if (counters != NULL)
        counter_add(&counters->fallbacks, 1);
}

void
report_failure(const struct script *script, unsigned hook, const char *name,
               struct str text)
{
    report_error(script, hook, name, text);
    report_fallback(script, hook);
}
