/* SPDX-License-Identifier: MIT */
/*
 * Connections that scripts make, as the Lua side of this floor calls them: the
 * module `script.connections`. Its functions begin with whether they are done:
 * what follows `true` is what the script gets; after `false` they are to be
 * called again, with the same arguments.
 *
 *     misuse(c)            nil; or what is wrong with using C here, in words
 *     new(ms)              a connection of the running task, not connected yet;
 *                          or nil, reason. Each wait on it may take MS; 0: as
 *                          long as the task may run
 *     begin(c)             a new operation on C begins
 *     connect(c, host, port, secured, verify, ca, name)
 *                          true, true; or true, nil, reason. SECURED: by TLS;
 *                          VERIFY, CA: trusts.h; NAME: to verify, or nil: HOST
 *     send(c, text)            likewise
 *     receive(c, what)         true, text; or true, nil, reason, what had come
 *     close(c)
 *     metatable            of connections
 *     INPUT_MAX            CONNECTIONS_INPUT_MAX
 *
 * A connection ends with its task, and is the script's to keep after that: it
 * reads as closed.
 */
#ifndef SCRIPT_CONNECTIONS_H
#define SCRIPT_CONNECTIONS_H

#include <lua.h>

enum {
    CONNECTIONS_MAX = 32, /* open ones of a task */
    CONNECTIONS_INPUT_MAX =
        1024 * 1024, /* bytes that came and are not taken yet */
};

/* Pushes the module. */
int connections_open(lua_State *L);

#endif
