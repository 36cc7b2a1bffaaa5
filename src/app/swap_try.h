/* SPDX-License-Identifier: MIT */
/*
 * The throw-away process in which scripts are tried before any process that
 * serves loads them: what they do in it is lost with it.
 *
 *     master ── fork ──▶ trial_run ──▶ two memfds: bundles, words ──▶ master
 *                        killed when it takes too long
 *
 * The master waits for its end, never for the process.
 */
#ifndef APP_SWAP_TRY_H
#define APP_SWAP_TRY_H

#include <stdbool.h>
#include <sys/types.h>

#include "app/trial.h"
#include "base/buf.h"
#include "base/mem.h"
#include "net/loop.h"

struct resources;

struct swap_try {
    pid_t pid; /* 0: there is none */
    int bundles;
    int words;
    int record; /* of a whole configuration */
    bool late;  /* it was killed for that */
    struct timer limit;
};

void swap_try_init(struct swap_try *t);

/* After the process has ended, if there was one. */
void swap_try_fini(struct swap_try *t);

/* Starts the process; its descriptors are chosen here. 0, or -1 with errno. */
int swap_try_start(struct swap_try *t, struct loop *loop,
                   const struct resources *resources,
                   const struct trial_conf *conf) MUST_CHECK;

/* The process has ended with STATUS (of waitpid): 0, and *FD is a sealed memfd
 * with the bundles, *RECORD one with the configuration, where that was tried;
 * both are the caller's; or -1. In both cases WORDS gets what
 * it has written, up to WORDS_MAX bytes, and why it ended. */
int swap_try_take(struct swap_try *t, int status, int *fd, int *record,
                  struct buf *words, size_t words_max) MUST_CHECK;

/* Ends it, if there is one; its end is still to be heard of. */
void swap_try_kill(const struct swap_try *t);

/* A sealed memfd: nobody can change it any more. 0, or -1 with errno. */
int swap_seal(int fd) MUST_CHECK;

/* An empty memfd, to be sealed later. -1 with errno. */
int swap_memfd(void) MUST_CHECK;

#endif
