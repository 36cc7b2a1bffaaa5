/* SPDX-License-Identifier: MIT */
/*
 * The module script.base64: what moongate.base64 stands on.
 */
#ifndef SCRIPT_BASE64_H
#define SCRIPT_BASE64_H

#include <lua.h>

/* encode(text, url); decode(text, url), which is nil for what is none.  The
 * caller bounds the text. */
int base64_open(lua_State *L);

#endif
