/* SPDX-License-Identifier: MIT */
/*
 * A line is formatted on the stack and given to the sink whole, so that lines
 * of several processes never mix.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

static enum log_level threshold = LOG_LEVEL_INFO;
static const _Atomic uint8_t *shared_level;
static char process_name[32] = "moongate";
static log_sink_fn line_sink;
static void *line_sink_arg;

void
log_set_level(enum log_level level)
{
    threshold = level;
}

void
log_share_level(const _Atomic uint8_t *chosen)
{
    shared_level = chosen;
}

enum log_level
log_level_now(enum log_level configured)
{
    uint8_t chosen =
        shared_level == NULL
            ? 0
            : atomic_load_explicit(shared_level, memory_order_relaxed);

    return chosen == 0 ? configured : (enum log_level)(chosen - 1);
}

int
log_level_parse(enum log_level *out, const char *text)
{
    for (unsigned i = 0; i < sizeof(level_names) / sizeof(*level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return 0;
        }
    }
    errno = EINVAL;
    return -1;
}

const char *
log_level_name(enum log_level level)
{
    return level_names[level];
}

void
log_set_name(const char *name)
{
    snprintf(process_name, sizeof(process_name), "%s", name);
}

void
log_set_sink(log_sink_fn sink, void *arg)
{
    line_sink = sink;
    line_sink_arg = arg;
}

bool
log_is_on(enum log_level level)
{
    return level >= log_level_now(threshold);
}

/* What came from outside may not begin a line of its own, nor colour the
 * terminal of whoever reads it. */
static void
blank_control_bytes(char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)p[i] < 0x20 || p[i] == 0x7f)
            p[i] = ' ';
    }
}

static void
write_line(enum log_level level, const char *fmt, va_list args)
{
    char line[LOG_LINE_MAX];
    const size_t room = sizeof(line) - 1;
    int head = snprintf(line, room, "%s: ", process_name);
    int body = vsnprintf(line + head, room - (size_t)head, fmt, args);
    size_t len = (size_t)head + (size_t)(body < 0 ? 0 : body);

    if (len > room - 1)
        len = room - 1;
    blank_control_bytes(line, len);
    line[len++] = '\n';

    if (line_sink != NULL) {
        line_sink(line_sink_arg, level, line, len);
        return;
    }
    if (write(STDERR_FILENO, line, len) < 0) {
        /* There is nowhere left to say so. */
    }
}

void
log_write(enum log_level level, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list args;

    va_start(args, fmt);
    write_line(level, fmt, args);
    va_end(args);
    errno = saved_errno;
}

void
fatal(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    write_line(LOG_LEVEL_ERROR, fmt, args);
    va_end(args);
    exit(EXIT_FAILURE);
}
