/* SPDX-License-Identifier: MIT */
/*
 * The scripts of one configuration.  A script is one use of a file: by an
 * upstream as its policy or its check, or by a section in its chain.  Each has
 * its own environment, its own copy of the modules that it requires, and its
 * own state; a file that is named twice is loaded twice.
 *
 *     scripts ── script ── script ...       (load.c makes one, hooks.c calls)
 *        │          └── references into the VM's registry
 *        └── runtime: where upstreams are found by name
 */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include <stdbool.h>

#include "base/list.h"
#include "config/model.h"
#include "net/loop.h"
#include "script/stopwatch.h"

struct bundle;
struct bundles;
struct runtime;
struct script_row;
struct swap;
struct upstream;
struct vm;

enum {
    SCRIPT_NAME_MAX = 256,  /* bytes of a name in messages; longer are cut */
    SCRIPT_REASON_MAX = 256 /* bytes of a refusal's words, likewise */
};

/* Who uses it, as bits: hooks belong to some of them. */
enum script_use {
    SCRIPT_POLICY = 1, /* an upstream's policy */
    SCRIPT_HTTP = 2,   /* in the chain of an [http] section */
    SCRIPT_TCP = 4,    /* of a [tcp] section */
    SCRIPT_MYSQL = 8,  /* of a [mysql] section */
    SCRIPT_CHECK = 16, /* an upstream's check */
};

/* All hooks; the board counts them by these numbers. */
enum script_hook {
    SCRIPT_HOOK_LOAD,     /* load(saved) */
    SCRIPT_HOOK_NEW,      /* new(options) */
    SCRIPT_HOOK_PICK,     /* pick(flow, servers) */
    SCRIPT_HOOK_DONE,     /* done(flow, server, result) */
    SCRIPT_HOOK_STATE,    /* state(server, up, why) */
    SCRIPT_HOOK_REQUEST,  /* request(req) */
    SCRIPT_HOOK_ACCEPT,   /* accept(conn) */
    SCRIPT_HOOK_CHECK,    /* check(server) */
    SCRIPT_HOOK_RESPONSE, /* response(res, req) */
    SCRIPT_HOOK_LOG,      /* log(req, res) */
    SCRIPT_HOOK_CLOSE,    /* close(conn, result) */
    SCRIPT_HOOK_SAVE,     /* save() */
    SCRIPT_HOOK_LOGIN,    /* login(login, conn) */
    SCRIPT_HOOK_COUNT,    /* how many there are */
    /* What else is counted. */
    SCRIPT_TIMER = SCRIPT_HOOK_COUNT, /* functions of after() and every() */
    SCRIPT_SEEN_COUNT,
};

/* The life of a version. */
enum script_phase {
    SCRIPT_LOADS,   /* nobody calls it yet: it is loaded, or staged */
    SCRIPT_SERVES,  /* new work begins with it */
    SCRIPT_RETIRED, /* only what began with it still calls it */
    SCRIPT_GONE,    /* nobody; a function of it may still be somewhere */
};

/* The memory is Lua's: functions that a script was given have its address, and
 * may have been given away, to a script of the same chain. */

struct script {
    struct scripts *owner;
    struct list link; /* in owner->list */
    int self;         /* a reference, which keeps the memory */
    unsigned users;   /* who hold it: tables of hooks, checks (life.h) */
    enum script_phase phase;
    struct bundle *bundle; /* held: its bytes; NULL: it was read from disk */
    struct script *old;    /* while it is staged: whose place it takes */
    bool old_banned;       /* that one was quarantined then */

    enum script_use use;
    struct config_at at;        /* where it is named */
    char name[SCRIPT_NAME_MAX]; /* as it is named: "policy/source.lua" */
    char user[SCRIPT_NAME_MAX]; /* "upstream pxc", "http web" */
    struct upstream *upstream;  /* SCRIPT_POLICY and _CHECK, else NULL */

    int hooks[SCRIPT_HOOK_COUNT]; /* references; LUA_NOREF: absent */
    int state;                    /* what `new` gave, or LUA_NOREF */
    int servers;                  /* the array for pick, or LUA_NOREF */
    bool waits;                   /* a policy: `waits = true` */

    struct list timers; /* struct script_timer: after, every */
    unsigned timer_count;

    bool emptied; /* it was quarantined, and has nothing any more (outcast.h) */

    int row;                     /* on the board, or BOARD_NONE */
    struct script_row *standing; /* that row; NULL: none (quarantine.h) */
    struct stopwatch seen[SCRIPT_SEEN_COUNT]; /* this process's */
    char reason[SCRIPT_REASON_MAX];           /* of the last refusal */
};

struct scripts {
    struct runtime *runtime;
    struct vm *vm;
    char *shipped; /* the folder of the scripts that ship */
    struct list list;
    struct script *loading;  /* it may read files now; or NULL */
    struct bundles *bundles; /* what is loaded is taken from there; the owner's.
                                NULL: files are read anew for each use,
                                as `moongate test` does */
    bool hooked;             /* they fill the runtime's hooks */
    bool checks;             /* those of checks are loaded */
    struct swap *swap;       /* what is staged (swap.h), or NULL */
    struct scripts *before;  /* while they are loaded beside others: those
                                (takeover.h); else NULL */
    struct deferred sweep;   /* the collector, in steps (sweep.h) */
    unsigned sweeps;         /* cycles of it to come */
    unsigned gone;           /* swaps since all machine code was dropped */
};

struct inquiry;

/* The chain of one section, in the configuration's order. */
struct script_chain {
    struct inquiry *spare;       /* that is over, for the next one */
    enum script_failure failure; /* of the section */
    unsigned count;
    struct script *scripts[];
};

/* The limits of their configuration are those of this process (guard.h). */
void scripts_set_limits(const struct scripts *scripts);

#endif
