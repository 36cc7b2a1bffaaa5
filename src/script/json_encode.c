/* SPDX-License-Identifier: MIT */
/*
 * Nothing here needs Lua's memory but the stack's, so that nothing is raised
 * while a text is under way.
 */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "script/guard.h"
#include "script/json.h"

enum {
    LEVEL_SLOTS = 4, /* of the stack, that a level needs */
    NUMBER_MAX = 32, /* bytes of a number */
};

struct writer {
    lua_State *L;
    struct buf *out;
    int array;      /* place of the metatable of arrays */
    unsigned depth; /* levels that are open */
    bool misused;
};

static const char *write_value(struct writer *w);

static const char *
misuse(struct writer *w, const char *why)
{
    w->misused = true;
    return why;
}

static void
write_escape(struct buf *out, char c)
{
    switch (c) {
    case '"':
        buf_str(out, STR("\\\""));
        return;
    case '\\':
        buf_str(out, STR("\\\\"));
        return;
    case '\n':
        buf_str(out, STR("\\n"));
        return;
    case '\r':
        buf_str(out, STR("\\r"));
        return;
    case '\t':
        buf_str(out, STR("\\t"));
        return;
    default:
        buf_str(out, (unsigned char)c < 0x10 ? STR("\\u000") : STR("\\u001"));
        buf_char(out, "0123456789abcdef"[c & 15]);
    }
}

/* How many bytes at P stand as they are: 0: it is escaped; -1: no UTF-8. */
static int
plain_len(const uint8_t *p, size_t n)
{
    size_t len;

    if (p[0] < 0x80)
        return p[0] >= 0x20 && p[0] != '"' && p[0] != '\\';
    len = utf8_len(p, n);
    return len == 0 ? -1 : (int)len;
}

static const char *
write_string(struct writer *w, int index)
{
    struct str text;
    size_t from = 0;
    size_t i = 0;

    text.p = lua_tolstring(w->L, index, &text.len);
    buf_char(w->out, '"');
    while (i < text.len) {
        int len = plain_len((const uint8_t *)text.p + i, text.len - i);

        if (len < 0)
            return "a string is not UTF-8";
        if (len == 0) {
            buf_str(w->out, str_slice(text, from, i));
            write_escape(w->out, text.p[i]);
            from = i + 1;
        }
        i += len == 0 ? 1 : (size_t)len;
    }
    buf_str(w->out, str_slice(text, from, text.len));
    buf_char(w->out, '"');
    return NULL;
}

/* The shortest of three forms that says the same number. */
static const char *
write_number(struct writer *w)
{
    double n = lua_tonumber(w->L, -1);
    char text[NUMBER_MAX];

    if (!isfinite(n))
        return "a number is not finite";
    (void)snprintf(text, sizeof(text), "%.14g", n);
    if (strtod(text, NULL) != n)
        (void)snprintf(text, sizeof(text), "%.16g", n);
    if (strtod(text, NULL) != n)
        (void)snprintf(text, sizeof(text), "%.17g", n);
    buf_str(w->out, str_from(text));
    return NULL;
}

/* --- tables --------------------------------------------------------------- */

static size_t
count_keys(lua_State *L)
{
    size_t count = 0;

    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        count++;
        lua_pop(L, 1);
    }
    return count;
}

static bool
is_marked(struct writer *w)
{
    bool marked;

    if (!lua_getmetatable(w->L, -1))
        return false;
    marked = lua_rawequal(w->L, -1, w->array);
    lua_pop(w->L, 1);
    return marked;
}

static const char *
write_array(struct writer *w, size_t count)
{
    if (count_keys(w->L) != count)
        return misuse(w, "a table is neither an array nor an object");
    buf_char(w->out, '[');
    for (size_t i = 1; i <= count && !w->out->failed; i++) {
        const char *why;

        if (i > 1)
            buf_char(w->out, ',');
        lua_rawgeti(w->L, -1, (int)i);
        why = write_value(w);
        lua_pop(w->L, 1);
        if (why != NULL)
            return why;
    }
    buf_char(w->out, ']');
    return NULL;
}

/* Writes the member whose name and value are on the top of the stack. */
static const char *
write_member(struct writer *w, bool first)
{
    const char *why;

    if (lua_type(w->L, -2) != LUA_TSTRING)
        return misuse(w, "a table has a key that is not a string");
    if (!first)
        buf_char(w->out, ',');
    why = write_string(w, -2);
    if (why != NULL)
        return why;
    buf_char(w->out, ':');
    return write_value(w);
}

static const char *
write_object(struct writer *w)
{
    bool first = true;

    buf_char(w->out, '{');
    lua_pushnil(w->L);
    while (lua_next(w->L, -2) != 0) {
        const char *why = write_member(w, first);

        lua_pop(w->L, 1);
        first = false;
        if (why == NULL && !w->out->failed)
            continue;
        lua_pop(w->L, 1);
        return why;
    }
    buf_char(w->out, '}');
    return NULL;
}

static const char *
write_table(struct writer *w)
{
    size_t count = lua_objlen(w->L, -1);
    const char *why;

    if (w->depth == JSON_DEPTH_MAX)
        return "too many levels";
    if (!lua_checkstack(w->L, LEVEL_SLOTS))
        return "too many levels";
    w->depth++;
    why = count > 0 || is_marked(w) ? write_array(w, count) : write_object(w);
    w->depth--;
    return why;
}

/* --- all ------------------------------------------------------------------ */

/* What is written does not bound the time: a number takes long for its bytes,
 * and a table without elements may have room for a million of them, all of
 * which is looked at for "{}". */
static const char *
write_value(struct writer *w)
{
    if (guard_is_over())
        return "its time is over";
    switch (lua_type(w->L, -1)) {
    case LUA_TNIL:
        buf_str(w->out, STR("null"));
        return NULL;
    case LUA_TBOOLEAN:
        buf_str(w->out, lua_toboolean(w->L, -1) ? STR("true") : STR("false"));
        return NULL;
    case LUA_TNUMBER:
        return write_number(w);
    case LUA_TSTRING:
        return write_string(w, -1);
    case LUA_TTABLE:
        return write_table(w);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(w->L, -1) != NULL)
            break;
        buf_str(w->out, STR("null"));
        return NULL;
    default:
        break;
    }
    return misuse(w, "a value is no string, number, boolean, table or null");
}

const char *
json_encode(struct buf *out, bool *misused, lua_State *L, int array)
{
    struct writer w = {.L = L, .out = out, .array = array};
    const char *why = write_value(&w);

    *misused = w.misused;
    return why;
}
