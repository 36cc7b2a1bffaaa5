/* SPDX-License-Identifier: MIT */
/*
 * The module script.digest: what moongate.hash stands on.
 */
#ifndef SCRIPT_DIGEST_H
#define SCRIPT_DIGEST_H

#include <lua.h>

/* digest(kind, text, binary), hmac(kind, key, text, binary): hexadecimal
 * digits, or the bytes; nil where the kind is not "sha1", "sha256" or "sha512".
 * equal(a, b), in constant time.  The caller bounds the texts. */
int digest_open(lua_State *L);

#endif
