/* SPDX-License-Identifier: MIT */
/*
 * Where log lines and access records go: stderr, stdout, files, syslog. The
 * master opens the targets; it and control write to them, each with a handle of
 * its own. Text is gathered and written by log_output_flush, whole lines at a
 * time; syslog messages leave at once. Writing never waits for a reader; what a
 * target does not take is counted as lost.
 *
 *     line ───▶ every [global] log whose level it reaches
 *     record ─▶ its section's log_to, or else as a line of level info
 */
#ifndef APP_LOG_OUTPUT_H
#define APP_LOG_OUTPUT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/buf.h"
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

struct log_target {
    const struct log_conf *conf;
    int fd;
    struct addr addr;   /* where datagrams go */
    struct buf pending; /* text that was not written yet */
    unsigned lines;     /* in it */
    uint64_t lost;      /* lines that it did not take */
    uint64_t reported;  /* of them, those that were spoken of */
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
};

/* Looks up the syslogs of CONFIG; what is not found is a fault. */
void log_output_resolve(const struct config *config,
                        struct addresses *addresses, struct faults *faults);

/* Opens every target of CONFIG, which must outlive it, with the ADDRESSES that
 * are known; a target that cannot be opened is a fault. */
void log_output_open(struct log_output *o, const struct config *config,
                     struct addresses *addresses, struct faults *faults);
void log_output_close(struct log_output *o);

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

/* Writes what was gathered. */
void log_output_flush(struct log_output *o);

/* Opens target I again, if it is a file; true when it has a new descriptor.
 * When it cannot be opened, the old one stays, and a line says so. */
bool log_output_reopen(struct log_output *o, size_t i);

/* Target I writes to FD from now on, which becomes its own. */
void log_output_replace(struct log_output *o, size_t i, int fd);

/* Logs what was lost since the last time. */
void log_output_report(struct log_output *o);

#endif
