/* SPDX-License-Identifier: MIT */
/*
 * What becomes known of scripts while they run: lines in the log, and counts on
 * the board.  A text of several lines becomes one line.
 */
#ifndef SCRIPT_REPORT_H
#define SCRIPT_REPORT_H

#include "base/log.h"
#include "base/str.h"

struct script;

/* Logs what a script says. */
void
report_text(const struct script *script, enum log_level level, struct str text);

/* The script has this hook, of the name NAME: it is counted from now on, if the
 * script has a row on the board. */
void report_use(struct script *script, unsigned hook, const char *name);

/* Counts the call of a hook (enum script_hook) that is made next, or that
 * task_go is told of next; and has it timed. */
void report_call(struct script *script, unsigned hook);

/* Logs and counts that the hook, whose name is NAME, failed, and that the
 * built-in behaviour takes its place. */
void report_failure(const struct script *script, unsigned hook,
                    const char *name, struct str text);

/* Counts that the built-in behaviour takes the place of a hook that is not
 * called: its script is quarantined. */
void report_fallback(const struct script *script, unsigned hook);

/* The same for a hook that nothing takes the place of; NAME says which, in
 * words. */
void report_error(const struct script *script, unsigned hook, const char *name,
                  struct str text);

/* Writes TEXT without line ends and other control bytes, which would forge
 * lines in a log, cut to SIZE; returns TO. */
const char *report_flatten(char *to, size_t size, struct str text);

#endif
