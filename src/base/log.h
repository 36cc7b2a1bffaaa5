/* SPDX-License-Identifier: MIT */
/*
 * Log lines: one event, one line, one write. A line reads
 *
 *     worker[2]: what happened key=value key=value
 *
 * and goes to the sink, which is stderr until a process sets another.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_DEBUG, /* for whoever reads the source */
    LOG_LEVEL_INFO,  /* what an operator wants to see in normal times */
    LOG_LEVEL_WARN,  /* something is amiss, the program copes */
    LOG_LEVEL_ERROR, /* something did not work */
};

enum {
    LOG_LINE_MAX = 2048, /* longer lines are cut; the newline is kept */
};

/* Takes one line of LEN bytes with its newline; LINE is not kept. */
typedef void (*log_sink_fn)(void *arg, enum log_level level, const char *line,
                            size_t len);

/* Lines under LEVEL are dropped before they are formatted. Default: INFO. */
void log_set_level(enum log_level level);

/* A byte that processes share, and that may change at any time: above 0, it is
 * 1 + the level that holds, whatever was set. NULL: there is none. */
void log_share_level(const _Atomic uint8_t *chosen);

/* The level that was chosen so, or else CONFIGURED. */
enum log_level log_level_now(enum log_level configured);

/* Sets *OUT from "debug", "info", "warn" or "error"; -1 for other text. */
int log_level_parse(enum log_level *out, const char *text);

/* The level's word, as log_level_parse takes it. */
const char *log_level_name(enum log_level level);

/* What lines begin with: "worker[2]". Copied, cut at 31 bytes. */
void log_set_name(const char *name);

/* Sends lines to SINK with ARG from now on; NULL: back to stderr. */
void log_set_sink(log_sink_fn sink, void *arg);

/* Would a line of LEVEL be written? */
bool log_is_on(enum log_level level);

/* Formats and writes one line; use the macros below. errno is kept. */
void log_write(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Start-up only: logs an error and exits with status 1. */
void
fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The arguments are not evaluated when the level is off. */
#define log_at(level, ...)                 \
    do {                                   \
        if (log_is_on(level))              \
            log_write(level, __VA_ARGS__); \
    } while (0)

#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
