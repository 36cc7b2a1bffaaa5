/* SPDX-License-Identifier: MIT */
/*
 * Where log lines and access records go: all targets of a configuration
 * (log_target.h). The master opens the files; it and control write to them,
 * each with a handle of its own, and each has links of its own to the syslogs.
 * Text is gathered and written by log_output_flush, whole lines at a time.
 *
 *     line ───▶ every [global] log whose level it reaches
 *     record ─▶ its section's log_to, or else as a line of level info
 */
#ifndef APP_LOG_OUTPUT_H
#define APP_LOG_OUTPUT_H

#include <stdint.h>
#include <sys/types.h>

#include "app/log_target.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/model.h"

struct addresses;
struct board;
struct faults;

enum {
    LOG_OUTPUT_HOST_MAX = 64, /* bytes of the host's name */
};

struct log_output {
    const struct config *config;
    struct log_target *targets; /* those of [global], then those of log_to */
    size_t count;
    size_t global_count;
    struct log_target **of_section; /* by the configuration's order; NULL: those
                                       of [global] */
    struct log_target **of_row;     /* the same by rows of the board, once it is
                                       bound */
    size_t row_count;
    char host[LOG_OUTPUT_HOST_MAX + 1];

    /* By whoever runs the loop, or NULL (log_pump.h). */
    void (*on_pending)(void *arg); /* flush again, soon */
    void (*on_help)(void *arg,
                    size_t target); /* it is out of reach from here */
    void *arg;
};

/* Looks up the syslogs of CONFIG; what is not found is a fault. */
void log_output_resolve(const struct config *config,
                        struct addresses *addresses, struct faults *faults);

/* Opens every target of CONFIG, which must outlive it, with the ADDRESSES that
 * are known; a target that cannot be opened is a fault. */
void log_output_open(struct log_output *o, const struct config *config,
                     struct addresses *addresses, struct faults *faults);
void log_output_close(struct log_output *o);

/* In a child that writes, too: the links are its own from now on. */
void log_output_own(struct log_output *o);

/* In place of BEFORE, which is closed then: the links that both have go on,
 * with what waits there, and whoever runs the loop is asked by this one. */
void log_output_take_over(struct log_output *o, struct log_output *before);

/* At the end of a process: waits a moment for receivers that are slow. */
void log_output_drain(struct log_output *o);

/* The same without opening anything: target I writes to FDS[I], of COUNT, which
 * becomes its own; -1: where this process was started. 0; or -1, and FAULTS say
 * what is missing. */
int log_output_adopt(struct log_output *o, const struct config *config,
                     struct addresses *addresses, const int *fds, size_t count,
                     struct faults *faults) MUST_CHECK;

/* Records are those of sections by their rows of BOARD from now on. -1 without
 * memory. */
int log_output_bind(struct log_output *o, const struct board *board) MUST_CHECK;

/* The lowest level that any target of CONFIG's [global] takes. */
enum log_level log_output_level(const struct config *config);

/* Writes a line, without its newline, that the process PID has said. */
void log_output_line(struct log_output *o, pid_t pid, enum log_level level,
                     struct str text);

/* Writes an access record of a section, by its row. One that the configuration
 * has no more is told to the targets of [global]. */
void log_output_record(struct log_output *o, pid_t pid, unsigned row,
                       struct str text);

/* Writes what was gathered, and what has waited. */
void log_output_flush(struct log_output *o);

/* Opens target I again, if it is a file; true when it has a new descriptor.
 * When it cannot be opened, the old one stays, and a line says so. */
bool log_output_reopen(struct log_output *o, size_t i);

/* A socket for target I, if it is a local one, for a process that cannot reach
 * it; the caller's. -1: there is none. */
int log_output_connect(const struct log_output *o, size_t i);

/* Target I writes to FD from now on, which becomes its own. */
void log_output_replace(struct log_output *o, size_t i, int fd);

/* Lines and records that no target will ever get, of this process. */
uint64_t log_output_lost(const struct log_output *o);

/* Logs what was lost since the last time. */
void log_output_report(struct log_output *o);

#endif
