/* SPDX-License-Identifier: MIT */
/*
 * Nothing here may raise: it runs outside of any protected call.  So texts are
 * only read where they are strings already, and keys are strings that the Lua
 * side of this floor holds alive.
 */
#include "script/verdict.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "codec/http.h"
#include "proxy/runtime.h"
#include "proxy/upstream.h"
#include "script/report.h"
#include "script/script.h"

enum {
    VERDICT_HEADERS_MAX = 64,     /* of one answer */
    VERDICT_HEAD_MAX = 48 * 1024, /* bytes of them: a head has 64 KiB */
    VERDICT_NUMBER_MAX = 32,      /* bytes of a number as text */
    VERDICT_STATUS_MIN = 200,
    VERDICT_STATUS_MAX = 599,
};

static char why_text[640];

static enum hook_result
fail(const char **why, const char *text)
{
    *why = text;
    return HOOK_FAILED;
}

static struct str
string_at(lua_State *L, int index)
{
    struct str s = {0};

    if (lua_type(L, index) == LUA_TSTRING)
        s.p = lua_tolstring(L, index, &s.len);
    return s;
}

/* Pushes table[key]. */
static void
push_field(lua_State *L, int table, const char *key)
{
    lua_pushstring(L, key);
    lua_rawget(L, table < 0 ? table - 1 : table);
}

static bool
has_field(lua_State *L, int table, const char *key)
{
    bool has;

    push_field(L, table, key);
    has = !lua_isnil(L, -1);
    lua_pop(L, 1);
    return has;
}

/* --- a route -------------------------------------------------------------- */

static bool
can_serve(const struct script *script, const struct upstream *upstream)
{
    bool is_fastcgi = upstream->conf->protocol == PROTOCOL_FASTCGI;

    return (script->use == SCRIPT_HTTP) == is_fastcgi;
}

static enum hook_result
read_server(struct hook_verdict *out, lua_State *L, int table, const char **why)
{
    struct str name;

    push_field(L, table, "server");
    if (lua_isnil(L, -1))
        return HOOK_ROUTE;
    name = string_at(L, -1);
    if (name.p == NULL)
        return fail(why, "'server' is not a name");
    out->server = upstream_find_server(out->upstream, name);
    if (out->server != NULL)
        return HOOK_ROUTE;
    (void)snprintf(why_text, sizeof(why_text),
                   "upstream '" STR_FMT "' has no server '" STR_FMT "'",
                   STR_ARG(out->upstream->conf->name), STR_ARG(name));
    return fail(why, why_text);
}

static enum hook_result
read_route(struct hook_verdict *out, const struct script *script, lua_State *L,
           int table, const char **why)
{
    struct str name = string_at(L, -1);

    if (name.p == NULL)
        return fail(why, "'upstream' is not a name");
    out->upstream = runtime_find_upstream(script->owner->runtime, name);
    if (out->upstream == NULL) {
        (void)snprintf(why_text, sizeof(why_text),
                       "there is no upstream '" STR_FMT "'", STR_ARG(name));
        return fail(why, why_text);
    }
    if (!can_serve(script, out->upstream)) {
        (void)snprintf(why_text, sizeof(why_text),
                       "upstream '" STR_FMT "' has another protocol than %s",
                       STR_ARG(name), script->user);
        return fail(why, why_text);
    }
    return read_server(out, L, table, why);
}

/* --- a priority ----------------------------------------------------------- */

static bool
is_priority(double n)
{
    return n >= -HOOK_PRIORITY_MAX && n <= HOOK_PRIORITY_MAX && n == (int32_t)n;
}

/* Reads the table's priority, if it has one.  HOOK_PASS, or HOOK_FAILED. */
static enum hook_result
read_priority(struct hook_verdict *out, lua_State *L, int table,
              const char **why)
{
    double n;
    int type;

    push_field(L, table, "priority");
    type = lua_type(L, -1);
    n = lua_tonumber(L, -1);
    lua_pop(L, 1);
    if (type == LUA_TNIL)
        return HOOK_PASS;
    if (type != LUA_TNUMBER || !is_priority(n))
        return fail(why, "'priority' is not a whole number from -2047 to 2047");
    out->priority = (int32_t)n;
    return HOOK_PASS;
}

/* --- an answer ------------------------------------------------------------ */

static bool
copy_text(struct str *out, struct arena *arena, struct str from)
{
    char *p = arena_memdup(arena, from.p, from.len);

    *out = str_make(p, from.len);
    return p != NULL;
}

/* The string or number on the top of the stack, as the arena's text. */
static bool
copy_value(struct str *out, struct arena *arena, lua_State *L)
{
    char number[VERDICT_NUMBER_MAX];
    int len;

    if (lua_type(L, -1) != LUA_TNUMBER)
        return copy_text(out, arena, string_at(L, -1));
    len = snprintf(number, sizeof(number), "%.14g", lua_tonumber(L, -1));
    return copy_text(out, arena, str_make(number, (size_t)len));
}

struct header_list {
    struct hook_header *at;
    size_t count;
    size_t bytes;
    struct arena *arena;
};

/* Adds the header whose value is on the top of the stack. */
static const char *
add_header(struct header_list *list, struct str name, lua_State *L)
{
    struct hook_header *header = &list->at[list->count];

    if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER)
        return "the value of a header is not a string";
    if (list->count == VERDICT_HEADERS_MAX)
        return "the answer has too many headers";
    list->bytes += name.len + string_at(L, -1).len;
    if (list->bytes > VERDICT_HEAD_MAX)
        return "the answer's headers are too large";
    if (!copy_text(&header->name, list->arena, name) ||
        !copy_value(&header->value, list->arena, L))
        return "no memory";
    if (!http_is_token(header->name) || !http_is_value(header->value))
        return "a header has bytes that may not stand in it";
    if (http_frames_message(header->name))
        return "it set a header that is set by the program";
    list->count++;
    return NULL;
}

/* Adds what stands for one name: a value, or a list of them. */
static const char *
add_values(struct header_list *list, struct str name, lua_State *L)
{
    const char *why = NULL;

    if (!lua_istable(L, -1))
        return add_header(list, name, L);
    for (int i = 1; why == NULL; i++) {
        lua_rawgeti(L, -1, i);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            break;
        }
        why = add_header(list, name, L);
        lua_pop(L, 1);
    }
    return why;
}

/* Reads the table of headers on the top of the stack. */
static const char *
read_headers(struct hook_verdict *out, lua_State *L, struct arena *arena)
{
    struct header_list list = {.arena = arena};
    const char *why = NULL;

    if (lua_isnil(L, -1))
        return NULL;
    if (!lua_istable(L, -1))
        return "'headers' is not a table";
    list.at = arena_alloc(arena, VERDICT_HEADERS_MAX * sizeof(*list.at));
    if (list.at == NULL)
        return "no memory";
    lua_pushnil(L);
    while (why == NULL && lua_next(L, -2) != 0) {
        struct str name = string_at(L, -2);

        why = name.p == NULL ? "the name of a header is not a string"
                             : add_values(&list, name, L);
        lua_pop(L, 1);
    }
    out->headers = list.at;
    out->header_count = list.count;
    return why;
}

static const char *
read_body(struct hook_verdict *out, lua_State *L, struct arena *arena)
{
    struct str body = string_at(L, -1);

    if (lua_isnil(L, -1))
        return NULL;
    if (body.p == NULL)
        return "'body' is not a string";
    return copy_text(&out->body, arena, body) ? NULL : "no memory";
}

static enum hook_result
read_reply(struct hook_verdict *out, lua_State *L, int table,
           struct arena *arena, const char **why)
{
    const char *wrong;
    double status = lua_tonumber(L, -1);

    if (arena == NULL)
        return fail(why, "an answer can be given to a request only");
    if (!(status >= VERDICT_STATUS_MIN && status <= VERDICT_STATUS_MAX))
        return fail(why, "'status' is not a number from 200 to 599");
    out->status = (int)status;
    push_field(L, table, "headers");
    wrong = read_headers(out, L, arena);
    if (wrong == NULL) {
        push_field(L, table, "body");
        wrong = read_body(out, L, arena);
    }
    return wrong == NULL ? HOOK_REPLY : fail(why, wrong);
}

/* --- any of them ---------------------------------------------------------- */

static enum hook_result
read_table(struct hook_verdict *out, const struct script *script, lua_State *L,
           int table, struct arena *arena, const char **why)
{
    push_field(L, table, "upstream");
    if (!lua_isnil(L, -1)) {
        if (read_priority(out, L, table, why) == HOOK_FAILED)
            return HOOK_FAILED;
        return read_route(out, script, L, table, why);
    }
    push_field(L, table, "status");
    if (!lua_isnil(L, -1))
        return read_reply(out, L, table, arena, why);
    if (has_field(L, table, "server"))
        return fail(why, "'server' is named without its 'upstream'");
    if (has_field(L, table, "priority"))
        return read_priority(out, L, table, why);
    return fail(why, "a table was returned that names neither an upstream nor "
                     "a status nor a priority");
}

static enum hook_result
read_refusal(struct hook_verdict *out, struct script *script, lua_State *L,
             int index)
{
    struct str reason = string_at(L, index);

    if (reason.p == NULL)
        reason = STR("refused by the script");
    out->reason = str_from(
        report_flatten(script->reason, sizeof(script->reason), reason));
    return HOOK_DENY;
}

enum hook_result
verdict_read(struct hook_verdict *out, struct script *script, lua_State *L,
             int index, struct arena *arena, const char **why)
{
    enum hook_result result;
    int top = lua_gettop(L);
    int32_t priority = out->priority;

    *out = (struct hook_verdict){.priority = priority};
    if (lua_isnil(L, index))
        return HOOK_PASS;
    if (lua_istable(L, index)) {
        result = read_table(out, script, L, index, arena, why);
        if (result == HOOK_FAILED)
            out->priority = priority;
        lua_settop(L, top);
        return result;
    }
    if (arena == NULL && lua_isboolean(L, index) && !lua_toboolean(L, index))
        return read_refusal(out, script, L, index + 1);
    (void)snprintf(why_text, sizeof(why_text),
                   "it returned a %s, which is no decision",
                   luaL_typename(L, index));
    return fail(why, why_text);
}
