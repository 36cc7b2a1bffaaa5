/* SPDX-License-Identifier: MIT */
/*
 * One of the master's children: the process that has the place now, and the
 * ones that follow it. What should happen when one ends is its owner's affair.
 *
 *     child_start ─▶ fork ─▶ READY … end ─▶ child_ended ─┬─▶ child_restart
 *                                                        └─▶ nothing
 */
#ifndef APP_CHILD_H
#define APP_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/message.h"
#include "net/loop.h"

struct child;

enum {
    CHILD_NAME_MAX = 31,
};

/* In the new process: becomes what the child is, and returns its exit status.
 * MASTER is the socket to the master. */
typedef int (*child_run_fn)(struct child *child, int master);
typedef void (*child_fn)(struct child *child);
/* It says something else than that it is ready. */
typedef void (*child_message_fn)(struct child *child, const struct message *m);

struct child {
    struct loop *loop;
    void *owner;
    const char *title; /* the process's name, as ps and top show it */
    char name[CHILD_NAME_MAX + 1]; /* as the log calls it */
    unsigned number;               /* a worker's, on the board */
    unsigned place;                /* among its kind */
    child_run_fn run;
    child_fn on_start; /* in the master, just after the fork */
    child_fn on_ready; /* it serves */
    child_message_fn on_message;
    pid_t pid; /* 0: there is none */
    bool ready;
    int socket; /* -1: closed */
    struct watch watch;
    uint64_t started_ms;
    unsigned quick_deaths; /* in a row */
    struct timer restart;  /* the next one starts then */
    char last_end[96];     /* how the last one ended */
};

/* In a new process: SIG_IGN or SIG_DFL is what each signal does from now on to
 * which the master gives a meaning, and none is blocked. */
void child_reset_signals(void (*action)(int));

/* Prepares one without a process; the callbacks and names are set by then. */
void child_init(struct child *c, struct loop *loop);

/* Starts a process; 0, or -1, which has been logged. */
int child_start(struct child *c) MUST_CHECK;

/* Is there a process? */
bool child_is_running(const struct child *c);

/* Sends it a message without arguments; to none, nothing. */
void child_tell(struct child *c, enum message_kind kind);

/* Sends it M; 0, or -1 with errno, which is ENOTCONN where there is none. */
int child_send(const struct child *c, const struct message *m) MUST_CHECK;

/* Sends control, which it is, the answer to its CLIENT: "ok", a newline and
 * more, or "error WHY" with its newline. What cannot be sent is logged. */
void child_answer(const struct child *c, uint32_t client, struct str text);

/* Its process has ended with STATUS (of waitpid). Afterwards there is none. */
void child_ended(struct child *c, int status);

/* Starts another in the place of the one that has ended, at once, or later if
 * they die one after the other; logs both. */
void child_restart(struct child *c);

/* Forgets a start that was put off. */
void child_give_up(struct child *c);

#endif
