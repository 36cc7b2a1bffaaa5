/* SPDX-License-Identifier: MIT */
/*
 * The one LuaJIT VM of this process.  It holds the trusted Lua modules of this
 * floor, which may use the FFI, and the scripts, which may not.
 *
 * What every call needs stands at fixed places of the VM's stack, so that
 * calling a hook takes no look-up:
 *
 *     1 message handler | 2 flow | 3 conn | 4 result | 5... functions | call
 */
#ifndef SCRIPT_VM_H
#define SCRIPT_VM_H

#include <lua.h>

#include "base/mem.h"
#include "script/coroutine.h"

struct script_conn;
struct script_flow;
struct script_response;
struct script_result;

/* Places on the stack. */
enum vm_slot {
    VM_ON_ERROR = 1, /* adds a traceback to what was raised */
    VM_FLOW,         /* the handles of script/calls_struct.h */
    VM_CONN,
    VM_RESULT,
    VM_WORDS,          /* words(): what calls_set_error was given */
    VM_RUN,            /* run(scripts, script, text, where, trusted): its
                          hooks */
    VM_NEW_SERVERS,    /* new_servers(upstream): an array of references */
    VM_NEW_REQUEST,    /* new_request(exchange, id): a handle */
    VM_FORGET_REQUEST, /* forget_request(id): drops what was kept for it */
    VM_REQUESTS,       /* the handles of requests, by id */
    VM_NEW_CHECKED,    /* new_checked(upstream, index): a number, a handle */
    VM_CHECKED,        /* what `check` gets, by that number */
    VM_RESPONSE,       /* a handle of script/calls_struct.h, as above */
    VM_TAKE_SAVED,     /* take(save): what it gave; or nil, what is wrong */
    VM_FORGET_CONN,    /* forget_conn(ref): drops what was kept for it */
    VM_NEW_LOGIN,      /* new_login(id): makes the handles of a login */
    VM_LOGINS,         /* where they are, by their ids (script.login) */
    VM_SLOTS = VM_LOGINS,
};

struct vm {
    lua_State *L;
    unsigned refs;
    struct script_flow *flow; /* what the handles hold; Lua owns them */
    struct script_conn *conn;
    struct script_result *result;
    struct script_response *response;
    int *spare_ids; /* of requests and logins that have ended */
    unsigned spare_count;
    unsigned spare_size;
    int last_id;                  /* the largest that is or was in use */
    struct coroutines coroutines; /* for hooks that wait */
};

/* One more user of the VM, which the first one starts; at start-up, and exits
 * when that is impossible. */
struct vm *vm_ref(void);

/* One user less; the last one ends it. NULL does nothing. */
void vm_unref(struct vm *vm);

/* Calls the function with ARGS arguments on the top of the stack, as lua_pcall
 * does, with a traceback and under script_budget (guard.h).  0; or -1, and in
 * place of all results there is one string on the stack that says what was
 * raised. */
int vm_call(struct vm *vm, int args, int results) MUST_CHECK;

/* The same without a traceback and under script_load_budget: for what is wrong
 * with a script at start. */
int vm_try(struct vm *vm, int args, int results) MUST_CHECK;

/* An id for a request or a login, from 1, that no other has until it is given back; 0
 * without memory. */
int vm_take_id(struct vm *vm) MUST_CHECK;
void vm_give_id(struct vm *vm, int id);

/* Gives all machine code back, since LuaJIT does not do so for single scripts
 * that are gone; what is still in use is soon compiled again. */
void vm_flush(struct vm *vm);

/* Gives a reference in the registry back. */
void vm_release(struct vm *vm, int ref);

#endif
