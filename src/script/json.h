/* SPDX-License-Identifier: MIT */
/*
 * JSON (RFC 8259), read and written: what moongate.json stands on.
 *
 * Refused, besides what the grammar refuses: a name that comes twice in an
 * object, text that is not UTF-8, half a surrogate pair, a number that no
 * double can hold, and more than JSON_DEPTH_MAX levels.
 */
#ifndef SCRIPT_JSON_H
#define SCRIPT_JSON_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum {
    JSON_DEPTH_MAX = 64,     /* arrays and objects in one another */
    JSON_TEXT_MAX = 4 << 20, /* bytes of a text, either way */
};

/* The module script.json: decode(text) is a value, or nil and a reason;
 * encode(value) is a text, or nil, a reason, and whether it is the value's type
 * that is wrong; array(table) marks a table as an array; null. */
int json_open(lua_State *L);

/* Pushes what TEXT says, which has a NUL behind it; arrays get the metatable at
 * the place ARRAY of the stack.  NULL; or what is wrong, at the byte *AT, and
 * there may be more on the stack than before. */
const char *json_decode(size_t *at, lua_State *L, struct str text, int array);

/* Writes the value on the top of the stack, which stays; ARRAY as above.  NULL;
 * or what is wrong, and *MISUSED is set where a value has a type that JSON does
 * not know. */
const char *
json_encode(struct buf *out, bool *misused, lua_State *L, int array);

#endif
