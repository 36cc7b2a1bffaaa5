/* SPDX-License-Identifier: MIT */
#include "script/report.h"

#include <stddef.h>

#include "board/counters.h"
#include "script/guard.h"
#include "script/script.h"

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
report_call(const struct script *script)
{
    guard_next(script);
    if (script->counters != NULL)
        counter_add(&script->counters->calls, 1);
}

void
report_error(const struct script *script, const char *hook, struct str text)
{
    char line[REPORT_TEXT_MAX];

    log_error("script %s: %s of %s failed: %s", script->name, hook,
              script->user, report_flatten(line, sizeof(line), text));
    if (script->counters != NULL)
        counter_add(&script->counters->errors, 1);
}

void
report_fallback(const struct script *script)
{
    if (script->counters != NULL)
        counter_add(&script->counters->fallbacks, 1);
}

void
report_failure(const struct script *script, const char *hook, struct str text)
{
    report_error(script, hook, text);
    report_fallback(script);
}
