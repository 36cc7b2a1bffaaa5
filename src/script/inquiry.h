/* SPDX-License-Identifier: MIT */
/*
 * An inquiry: the scripts of a section are asked about something, a request or
 * a login, in order, until one decides. Each hook runs in a task (task.h), at
 * once; so one that does not wait costs little more than a call. While one
 * waits:
 *
 *     inquiry_ask ── it is HOOK_WAIT       inquiry_end ◀── the subject is over
 *           │                                   │
 *           │      end of a turn: the hook has ended; the next script ...
 *           └◀── on_wake, and inquiry_answer
 *
 * What is asked about, and what differs with it, is a kind: request_inquiry.h
 * and login_inquiry.h.
 */
#ifndef SCRIPT_INQUIRY_H
#define SCRIPT_INQUIRY_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "net/loop.h"
#include "proxy/hook.h"
#include "script/script.h"
#include "script/task.h"

struct arena;
struct inquiry;

struct inquiry_kind {
    enum script_hook hook;
    const char *name;  /* of the hook */
    const char *limit; /* what bounds its waits, for the log */
    bool refuses;      /* a hook that fails refuses, and nothing takes its
                          place; else the section's script_failure decides */
    /* Pushes the hook's arguments to L, all of which are there already; returns
     * how many. */
    int (*push)(const struct inquiry *inquiry, lua_State *L);
    /* Is it the subject that lets it wait, so that the time does not count?
     * Then it wakes the subject.  NULL: it never does. */
    bool (*is_held)(const struct inquiry *inquiry);
    /* The answer may be known now. The inquiry may end in it. */
    void (*on_wake)(struct inquiry *inquiry);
};

struct inquiry {
    struct task task; /* of the script that is asked */
    struct script_chain *chain;
    const struct inquiry_kind *kind;
    void *about;         /* the exchange, or the login */
    struct arena *arena; /* for an answer's texts; NULL: there are none */
    int ref;             /* the kind's own */

    struct script *script;   /* that is asked */
    unsigned next;           /* the place of the one after it */
    bool calling;            /* it was called just now */
    enum hook_result answer; /* of the one that was called; HOOK_WAIT: none */

    enum hook_result undecided; /* what it is where none decides */
    enum hook_result outcome;   /* HOOK_WAIT: it is not known yet */
    struct hook_verdict verdict;
    char reason[SCRIPT_REASON_MAX]; /* of HOOK_DENY */

    struct timer limit; /* of all waits */
    uint64_t wait_ms;   /* that they may take */
    uint64_t left_ms;   /* of it, while the timer does not run */
};

/* Begins one, for the time of ABOUT; NULL without memory. */
struct inquiry *
inquiry_begin(struct script_chain *chain, const struct inquiry_kind *kind,
              void *about, uint64_t wait_ms) MUST_CHECK;

/* Asks the scripts that were not asked yet, until one decides or waits. */
void inquiry_ask(struct inquiry *inquiry);

/* What came of it; HOOK_WAIT: nothing yet. Else *VERDICT is set, whose reason
 * is good until the next hook runs, and inquiry_end is to follow. */
enum hook_result
inquiry_answer(struct inquiry *inquiry, struct hook_verdict *verdict);

/* Ends it, wherever it is. It is kept for the next of its chain, so that a hook
 * that does not wait costs no memory. */
void inquiry_end(struct inquiry *inquiry);

/* Reports that a hook of KIND cannot be asked at all, for WHY. */
enum hook_result inquiry_fail(const struct script *script,
                              const struct inquiry_kind *kind, const char *why);

/* Frees one that has ended; NULL does nothing. */
void inquiry_free(struct inquiry *inquiry);

#endif
