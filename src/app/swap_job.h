/* SPDX-License-Identifier: MIT */
/*
 * What was asked of the master about scripts, by whom, and how that is told.
 */
#ifndef APP_SWAP_JOB_H
#define APP_SWAP_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"

struct versions;

enum swap_kind {
    SWAP_RELOAD,   /* ctl: what the file holds now */
    SWAP_ROLLBACK, /* ctl: the version before */
    SWAP_CONFIRM,  /* ctl: the version in use is to stay */
    SWAP_OVERDUE,  /* it was not confirmed in time */
    SWAP_ALL,      /* HUP, ctl reload: the configuration and its scripts */
    SWAP_SCAN,     /* files have changed: which scripts have? */
    SWAP_SAVED,    /* this one has */
};

enum {
    SWAP_WHO_MAX = 64, /* bytes of who asks */
};

struct swap_job {
    struct list link; /* in the queue */
    enum swap_kind kind;
    char *name;          /* of the script; NULL: of all */
    uint64_t confirm_ms; /* 0: it need not be confirmed */
    bool json;           /* the answer is for a program */
    uint32_t ticket;     /* of the client of control; 0: nobody waits */
    pid_t control;       /* the process that the client is connected to */
    char who[SWAP_WHO_MAX];
};

/* A job for the script NAME, or NULL, asked by WHO; NULL without memory. */
struct swap_job *
swap_job_new(enum swap_kind kind, struct str name, struct str who) MUST_CHECK;
void swap_job_free(struct swap_job *job);

/* The answer to who asked for it: another version serves; the one that served
 * is the same (V is NULL: and the configuration is); it stays. */
void swap_job_answer_changed(struct buf *out, const struct swap_job *job,
                             const struct versions *v);
void swap_job_answer_same(struct buf *out, const struct swap_job *job,
                          const struct versions *v);
void swap_job_answer_confirmed(struct buf *out, const struct swap_job *job,
                               const struct versions *v);

/* The answer after a whole configuration was exchanged, and lines of the log:
 * CHANGES has a line each; those that have no room in a message are counted. */
void swap_job_answer_reloaded(struct buf *out, const struct swap_job *job,
                              struct str changes, uint32_t generation);
void swap_job_log_reloaded(const struct swap_job *job, struct str changes,
                           uint32_t generation);

/* The answer that nothing was changed, for the reasons WHY, one a line. V: of
 * the script, or NULL. */
void swap_job_answer_refused(struct buf *out, const struct versions *v,
                             struct str why);

/* The same for the log. Was it told of? */
void swap_job_log_changed(const struct swap_job *job, const struct versions *v);
bool swap_job_log_refused(const struct swap_job *job, struct versions *v,
                          struct str why);

#endif
