/* SPDX-License-Identifier: MIT */
/*
 * Whom the TLS connections of scripts trust: made once for each text of
 * certificates, since reading them takes a while, and shared by all scripts of
 * the process.
 */
#ifndef SCRIPT_TRUSTS_H
#define SCRIPT_TRUSTS_H

#include <lua.h>

#include "base/mem.h"
#include "script/coroutine.h"

struct tls_client;
struct trusts;

enum {
    TRUSTS_MAX = 16, /* that are kept; the one not used for longest goes */
};

/* What the values VERIFY, at PLACE of the stack, and CA, behind it, mean:
 * VERIFY is false or anything else; CA a text, or nil: the system's. The caller
 * has one of its counts. NULL, and *WHY says what is wrong. */
struct tls_client *trusts_find(lua_State *L, struct coroutines *all, int place,
                               const char **why) MUST_CHECK;

/* Ends what was kept. NULL does nothing. */
void trusts_free(struct trusts *trusts);

#endif
