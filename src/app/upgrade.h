/* SPDX-License-Identifier: MIT */
/*
 * The old program's side of an upgrade (USR2, `ctl upgrade`): starts the
 * program that is at its path now, beside itself and with all that it has open,
 * and lets go when that one is ready. Whatever goes wrong before, this one goes
 * on.
 *
 *     IDLE ─start─▶ WAITING ─▶ STARTING ─READY─▶ READY ─upgrade_begin─▶ OVER
 *       ▲              │          │ failed, ended, took too long         drains
 *       └──────────────┴──────────┘
 *
 * It waits while a configuration or scripts are exchanged: two programs that
 * add rows to one board, or open the same addresses, would be in each other's
 * way.
 */
#ifndef APP_UPGRADE_H
#define APP_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/row_marks.h"
#include "base/buf.h"
#include "base/str.h"
#include "net/loop.h"

struct resources;

enum {
    UPGRADE_SECONDS = 60,      /* that the new program may take, unless more are
                                  given */
    UPGRADE_SECONDS_MAX = 110, /* ctl waits for so long */
    UPGRADE_WHY_MAX = 8192,
};

enum upgrade_state {
    UPGRADE_IDLE,
    UPGRADE_WAITING,  /* for the end of an exchange */
    UPGRADE_STARTING, /* there is a new program, which is not ready */
    UPGRADE_READY,    /* it waits for this one to let go */
    UPGRADE_OVER,     /* it serves */
};

/* Who has asked for it. */
struct upgrade_asker {
    bool waits; /* for an answer */
    uint32_t client;
    bool json;
    unsigned seconds; /* that it may take */
};

struct upgrade_calls {
    void *owner;
    /* Is something exchanged now? */
    bool (*is_busy)(void *owner);
    /* TEXT is the answer to a client of control. */
    void (*answer)(void *owner, uint32_t client, struct str text);
    /* The new program is ready, whoever has asked has his answer. It shares
     * this one's board, or has a NEW_BOARD. */
    void (*ready)(void *owner, bool new_board);
};

struct upgrade {
    enum upgrade_state state;
    struct upgrade_calls calls;
    struct resources *resources;
    struct loop *loop;
    struct upgrade_asker asker;
    bool new_board; /* the new program has its own */
    pid_t pid;      /* of the new program; 0: there is none */
    int link;       /* to it; -1: none */
    struct watch watch;
    struct timer limit;
    struct buf why; /* what it says is wrong */
    char why_text[UPGRADE_WHY_MAX];
    struct row_marks marks; /* of what was on the board before */
};

void
upgrade_init(struct upgrade *u, struct loop *loop, struct resources *resources,
             const struct upgrade_calls *calls);
void upgrade_fini(struct upgrade *u);

/* Begins it, or waits; or refuses, which the asker is told. */
void upgrade_start(struct upgrade *u, const struct upgrade_asker *asker);

/* The same for whoever gives it ARGUMENTS: the time that it may take. */
void upgrade_start_for(struct upgrade *u, struct upgrade_asker *asker,
                       struct str arguments);

/* Gives it up, since this program ends: the new one is killed. */
void upgrade_cancel(struct upgrade *u);

/* Begins one that waits, if nothing is exchanged any more. */
void upgrade_look(struct upgrade *u);

static inline bool
upgrade_is_on(const struct upgrade *u)
{
    return u->state != UPGRADE_IDLE;
}

/* Lets the new program go on. -1: it is dead; the upgrade has failed. */
int upgrade_begin(struct upgrade *u) MUST_CHECK;

/* The same for one that is ready, and for which this program was to let go. */
void upgrade_abandon(struct upgrade *u);

/* A process has ended that is none of the children. */
void upgrade_reaped(struct upgrade *u, pid_t pid, int status);

/* Nothing of a failed program runs any more: what it has left on the board
 * goes. */
void upgrade_tidy(struct upgrade *u);

#endif
