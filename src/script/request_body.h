/* SPDX-License-Identifier: MIT */
/*
 * The body of a request, as the Lua side of this floor asks for it: the module
 * `script.request_body`.
 *
 *     begin(req)       nil, and it may be read; else why not, in words
 *     read(req, max)   true, text; or true, nil, reason; or false: it is not
 *                      there yet, and is to be asked for again
 *
 * What is read goes to the server all the same.
 */
#ifndef SCRIPT_REQUEST_BODY_H
#define SCRIPT_REQUEST_BODY_H

#include <lua.h>

/* Pushes the module. */
int request_body_open(lua_State *L);

#endif
