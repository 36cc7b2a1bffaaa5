/* SPDX-License-Identifier: MIT */
/*
 * The matcher of Lua 5.1's and LuaJIT's lstrlib, with a look at the guard at
 * every step: backtracking takes time that grows with powers of the subject's
 * length, and no hook of Lua is called meanwhile.
 */
#include "script/match.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "script/guard.h"

enum {
    CAPTURES_MAX = 32,
    DEPTH_MAX = 200,         /* of the C stack */
    PATTERN_MAX = 64 * 1024, /* bytes: a set is looked through at once */
    ESCAPE = '%',
    CAPTURE_OPEN = -1,     /* its end has not been seen */
    CAPTURE_POSITION = -2, /* "()" */
};

struct capture {
    const char *from;
    ptrdiff_t len; /* or one of the above */
};

struct match {
    lua_State *L;
    const char *subject;
    const char *end;         /* of it */
    const char *pattern_end; /* where a NUL need not stand */
    int count;               /* of captures */
    unsigned depth;
    struct capture captures[CAPTURES_MAX];
};

static const char *run(struct match *m, const char *s, const char *p);

/* --- one character -------------------------------------------------------- */

static bool
in_class(int c, int class)
{
    bool is;

    switch (tolower(class)) {
    case 'a':
        is = isalpha(c);
        break;
    case 'c':
        is = iscntrl(c);
        break;
    case 'd':
        is = isdigit(c);
        break;
    case 'g':
        is = isgraph(c);
        break;
    case 'l':
        is = islower(c);
        break;
    case 'p':
        is = ispunct(c);
        break;
    case 's':
        is = isspace(c);
        break;
    case 'u':
        is = isupper(c);
        break;
    case 'w':
        is = isalnum(c);
        break;
    case 'x':
        is = isxdigit(c);
        break;
    case 'z':
        is = c == 0;
        break;
    default:
        return class == c;
    }
    return isupper(class) ? !is : is;
}

/* The end of the set that begins at P, behind its ']'. */
static const char *
set_end(struct match *m, const char *p)
{
    p++;
    if (p < m->pattern_end && *p == '^')
        p++;
    do { /* a ']' that comes first is a member */
        if (p >= m->pattern_end)
            luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == ESCAPE && p < m->pattern_end)
            p++;
    } while (p >= m->pattern_end || *p != ']');
    return p + 1;
}

/* The end of the single item that begins at P. */
static const char *
item_end(struct match *m, const char *p)
{
    if (*p == '[')
        return set_end(m, p);
    if (*p++ != ESCAPE)
        return p;
    if (p >= m->pattern_end)
        luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 1;
}

/* P is at '[', LAST at the ']' that closes. */
static bool
in_set(int c, const char *p, const char *last)
{
    bool wanted = true;

    if (p[1] == '^') {
        wanted = false;
        p++;
    }
    while (++p < last) {
        if (*p == ESCAPE) {
            p++;
            if (in_class(c, (unsigned char)*p))
                return wanted;
        } else if (p[1] == '-' && p + 2 < last) {
            p += 2;
            if ((unsigned char)p[-2] <= c && c <= (unsigned char)*p)
                return wanted;
        } else if ((unsigned char)*p == c) {
            return wanted;
        }
    }
    return !wanted;
}

/* Is the character at S one of the item from P to ITEM_END? */
static bool
is_item(const struct match *m, const char *s, const char *p, const char *end)
{
    int c;

    if (s >= m->end)
        return false;
    c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case ESCAPE:
        return in_class(c, (unsigned char)p[1]);
    case '[':
        return in_set(c, p, end - 1);
    default:
        return (unsigned char)*p == c;
    }
}

/* --- repetitions ---------------------------------------------------------- */

static const char *
most(struct match *m, const char *s, const char *p, const char *end)
{
    ptrdiff_t n = 0;

    while (is_item(m, s + n, p, end)) {
        if (guard_is_over())
            (void)guard_raise(m->L);
        n++;
    }
    for (; n >= 0; n--) {
        const char *found = run(m, s + n, end + 1);

        if (found != NULL)
            return found;
    }
    return NULL;
}

static const char *
fewest(struct match *m, const char *s, const char *p, const char *end)
{
    for (;; s++) {
        const char *found = run(m, s, end + 1);

        if (found != NULL)
            return found;
        if (!is_item(m, s, p, end))
            return NULL;
    }
}

/* --- captures ------------------------------------------------------------- */

static const char *
open_capture(struct match *m, const char *s, const char *p, ptrdiff_t len)
{
    const char *found;

    if (m->count >= CAPTURES_MAX)
        luaL_error(m->L, "too many captures");
    m->captures[m->count++] = (struct capture){.from = s, .len = len};
    found = run(m, s, p);
    if (found == NULL)
        m->count--;
    return found;
}

static const char *
close_capture(struct match *m, const char *s, const char *p)
{
    struct capture *capture = NULL;
    const char *found;

    for (int i = m->count - 1; i >= 0 && capture == NULL; i--) {
        if (m->captures[i].len == CAPTURE_OPEN)
            capture = &m->captures[i];
    }
    if (capture == NULL) {
        luaL_error(m->L, "invalid pattern capture");
        return NULL;
    }
    capture->len = s - capture->from;
    found = run(m, s, p);
    if (found == NULL)
        capture->len = CAPTURE_OPEN;
    return found;
}

/* %1 to %9: the end of what equals that capture at S. */
static const char *
same_capture(struct match *m, const char *s, int digit)
{
    int i = digit - '1';
    size_t len;

    if (i < 0 || i >= m->count || m->captures[i].len == CAPTURE_OPEN)
        luaL_error(m->L, "invalid capture index");
    len = m->captures[i].len < 0 ? 0 : (size_t)m->captures[i].len;
    if ((size_t)(m->end - s) < len || memcmp(m->captures[i].from, s, len) != 0)
        return NULL;
    return s + len;
}

/* %bxy; P is at x. */
static const char *
balanced(struct match *m, const char *s, const char *p)
{
    int open = 1;

    if (m->pattern_end - p < 2)
        luaL_error(m->L, "unbalanced pattern");
    if (s >= m->end || *s != p[0])
        return NULL;
    while (++s < m->end) {
        if (*s == p[1]) {
            if (--open == 0)
                return s + 1;
        } else if (*s == p[0]) {
            open++;
        }
    }
    return NULL;
}

/* %f[set]; P is at '['.  The end of the set where S is its frontier. */
static const char *
frontier(struct match *m, const char *s, const char *p)
{
    const char *end;
    int before = s == m->subject ? 0 : (unsigned char)s[-1];
    int here = s >= m->end ? 0 : (unsigned char)*s;

    if (p >= m->pattern_end || *p != '[')
        luaL_error(m->L, "missing '[' after '%%f' in pattern");
    end = set_end(m, p);
    return !in_set(before, p, end - 1) && in_set(here, p, end - 1) ? end : NULL;
}

/* --- the whole ------------------------------------------------------------ */

/* What begins with '%' and is no single item.  False: it is one. Else *S is
 * where it ends, NULL when it does not match, and *P what follows it. */
static bool
take_escape(struct match *m, const char **s, const char **p)
{
    const char *end;
    int c = *p + 1 < m->pattern_end ? (unsigned char)(*p)[1] : 0;

    if (c == 'b') {
        *s = balanced(m, *s, *p + 2);
        *p += 4;
        return true;
    }
    if (c == 'f') {
        end = frontier(m, *s, *p + 2);
        if (end == NULL)
            *s = NULL;
        else
            *p = end;
        return true;
    }
    if (isdigit(c)) {
        *s = same_capture(m, *s, c);
        *p += 2;
        return true;
    }
    return false;
}

/* A single item and what may follow it.  True: *RESULT is that of the whole.
 * False: the item has matched, and *S and *P are behind it. */
static bool
take_item(struct match *m, const char **s, const char **p, const char **result)
{
    const char *end = item_end(m, *p);
    int suffix = end < m->pattern_end ? *end : 0;
    bool is = is_item(m, *s, *p, end);

    *result = NULL;
    switch (suffix) {
    case '?':
        if (is && (*result = run(m, *s + 1, end + 1)) != NULL)
            return true;
        *p = end + 1;
        return false;
    case '*':
        *result = most(m, *s, *p, end);
        return true;
    case '+':
        *result = is ? most(m, *s + 1, *p, end) : NULL;
        return true;
    case '-':
        *result = fewest(m, *s, *p, end);
        return true;
    default:
        break;
    }
    (*s)++;
    *p = end;
    return !is;
}

static const char *
walk(struct match *m, const char *s, const char *p)
{
    const char *result;

    while (p < m->pattern_end) {
        if (guard_is_over())
            (void)guard_raise(m->L);
        if (*p == '(' && p + 1 < m->pattern_end && p[1] == ')')
            return open_capture(m, s, p + 2, CAPTURE_POSITION);
        if (*p == '(')
            return open_capture(m, s, p + 1, CAPTURE_OPEN);
        if (*p == ')')
            return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end)
            return s == m->end ? s : NULL;
        if (*p == ESCAPE && take_escape(m, &s, &p)) {
            if (s == NULL)
                return NULL;
            continue;
        }
        if (take_item(m, &s, &p, &result))
            return result;
    }
    return s;
}

/* The end of what the pattern from P matches at S, or NULL. */
static const char *
run(struct match *m, const char *s, const char *p)
{
    const char *result;

    if (++m->depth > DEPTH_MAX)
        luaL_error(m->L, "pattern too complex");
    result = walk(m, s, p);
    m->depth--;
    return result;
}

static const char *
start(struct match *m, const char *s, const char *p)
{
    m->count = 0;
    m->depth = 0;
    return run(m, s, p);
}

/* --- results -------------------------------------------------------------- */

/* Capture I, or the whole match where there are none. */
static void
push_capture(struct match *m, int i, const char *s, const char *e)
{
    if (i >= m->count) {
        if (i != 0)
            luaL_error(m->L, "invalid capture index");
        lua_pushlstring(m->L, s, (size_t)(e - s));
        return;
    }
    if (m->captures[i].len == CAPTURE_POSITION) {
        lua_pushinteger(m->L, m->captures[i].from - m->subject + 1);
        return;
    }
    if (m->captures[i].len == CAPTURE_OPEN)
        luaL_error(m->L, "unfinished capture");
    lua_pushlstring(m->L, m->captures[i].from, (size_t)m->captures[i].len);
}

/* All captures; the whole match where there are none and S is not NULL. */
static int
push_captures(struct match *m, const char *s, const char *e)
{
    int n = m->count == 0 && s != NULL ? 1 : m->count;

    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(m, i, s, e);
    return n;
}

/* --- find, match ---------------------------------------------------------- */

static void
check_pattern(lua_State *L, size_t len)
{
    if (len > PATTERN_MAX)
        luaL_error(L, "pattern too long");
}

static bool
has_specials(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != '\0' && strchr("^$*+?.([%-", p[i]) != NULL)
            return true;
    }
    return false;
}

/* Where a search begins: INIT counts from 1, or from the end below 0. */
static size_t
first_place(ptrdiff_t init, size_t len)
{
    if (init < 0)
        init += (ptrdiff_t)len;
    else if (init > 0)
        init--;
    if (init < 0)
        return 0;
    return (size_t)init > len ? len : (size_t)init;
}

static int
find_plain(lua_State *L, const char *s, size_t from, size_t len, const char *p,
           size_t pattern_len)
{
    const char *found = memmem(s + from, len - from, p, pattern_len);

    if (found == NULL) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - s + 1);
    lua_pushinteger(L, found - s + (ptrdiff_t)pattern_len);
    return 2;
}

static int
search(lua_State *L, bool find)
{
    size_t len;
    size_t pattern_len;
    const char *s = luaL_checklstring(L, 1, &len);
    const char *p = luaL_checklstring(L, 2, &pattern_len);
    size_t from = first_place(luaL_optinteger(L, 3, 1), len);
    struct match m = {
        .L = L, .subject = s, .end = s + len, .pattern_end = p + pattern_len};
    bool anchor = pattern_len > 0 && *p == '^';
    const char *e;

    if (find && (lua_toboolean(L, 4) || !has_specials(p, pattern_len)))
        return find_plain(L, s, from, len, p, pattern_len);
    check_pattern(L, pattern_len);
    p += anchor;
    for (const char *at = s + from; at <= m.end; at++) {
        e = start(&m, at, p);
        if (e != NULL && !find)
            return push_captures(&m, at, e);
        if (e != NULL) {
            lua_pushinteger(L, at - s + 1);
            lua_pushinteger(L, e - s);
            return push_captures(&m, NULL, NULL) + 2;
        }
        if (anchor)
            break;
    }
    lua_pushnil(L);
    return 1;
}

static int
find(lua_State *L)
{
    return search(L, true);
}

static int
match(lua_State *L)
{
    return search(L, false);
}

/* --- gmatch --------------------------------------------------------------- */

/* Its upvalues: the subject, the pattern, where to go on. */
static int
gmatch_next(lua_State *L)
{
    size_t len;
    size_t pattern_len;
    const char *s = lua_tolstring(L, lua_upvalueindex(1), &len);
    const char *p = lua_tolstring(L, lua_upvalueindex(2), &pattern_len);
    struct match m = {
        .L = L, .subject = s, .end = s + len, .pattern_end = p + pattern_len};

    for (const char *at = s + lua_tointeger(L, lua_upvalueindex(3));
         at <= m.end; at++) {
        const char *e = start(&m, at, p);

        if (e == NULL)
            continue;
        lua_pushinteger(L, e - s + (e == at ? 1 : 0));
        lua_replace(L, lua_upvalueindex(3));
        return push_captures(&m, at, e);
    }
    return 0;
}

static int
gmatch(lua_State *L)
{
    size_t pattern_len;

    (void)luaL_checkstring(L, 1);
    (void)luaL_checklstring(L, 2, &pattern_len);
    check_pattern(L, pattern_len);
    lua_settop(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, gmatch_next, 3);
    return 1;
}

/* --- gsub ----------------------------------------------------------------- */

/* The replacement is text with %0 to %9. */
static void
add_text(struct match *m, luaL_Buffer *b, const char *s, const char *e)
{
    size_t len;
    const char *text = lua_tolstring(m->L, 3, &len);

    for (size_t i = 0; i < len; i++) {
        if (text[i] != ESCAPE || ++i == len) {
            luaL_addchar(b, i < len ? text[i] : '\0');
        } else if (!isdigit((unsigned char)text[i])) {
            luaL_addchar(b, text[i]);
        } else if (text[i] == '0') {
            luaL_addlstring(b, s, (size_t)(e - s));
        } else {
            push_capture(m, text[i] - '1', s, e);
            luaL_addvalue(b);
        }
    }
}

/* What takes the place of the match from S to E. */
static void
add_value(struct match *m, luaL_Buffer *b, const char *s, const char *e)
{
    lua_State *L = m->L;

    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, e), 1);
        break;
    case LUA_TTABLE:
        push_capture(m, 0, s, e);
        lua_gettable(L, 3);
        break;
    default:
        add_text(m, b, s, e);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        lua_pushlstring(L, s, (size_t)(e - s));
    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
    luaL_addvalue(b);
}

static void
check_replacement(lua_State *L)
{
    int type = lua_type(L, 3);

    if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TFUNCTION &&
        type != LUA_TTABLE)
        luaL_typerror(L, 3, "string/function/table");
    if (type == LUA_TNUMBER) /* made a string, once */
        (void)lua_tostring(L, 3);
}

static int
gsub(lua_State *L)
{
    size_t len;
    size_t pattern_len;
    const char *s = luaL_checklstring(L, 1, &len);
    const char *p = luaL_checklstring(L, 2, &pattern_len);
    ptrdiff_t most_times = luaL_optinteger(L, 4, PTRDIFF_MAX);
    struct match m = {
        .L = L, .subject = s, .end = s + len, .pattern_end = p + pattern_len};
    bool anchor = pattern_len > 0 && *p == '^';
    ptrdiff_t n = 0;
    luaL_Buffer b;

    check_replacement(L);
    check_pattern(L, pattern_len);
    if (guard_is_deep())
        return luaL_error(L, "C stack overflow");
    p += anchor;
    luaL_buffinit(L, &b);
    while (n < most_times) {
        const char *e = start(&m, s, p);

        if (e != NULL) {
            n++;
            add_value(&m, &b, s, e);
        }
        if (e != NULL && e > s)
            s = e;
        else if (s < m.end)
            luaL_addchar(&b, *s++);
        else
            break;
        if (anchor)
            break;
    }
    luaL_addlstring(&b, s, (size_t)(m.end - s));
    luaL_pushresult(&b);
    lua_pushinteger(L, n);
    return 2;
}

/* --- the guard, for Lua --------------------------------------------------- */

static int
is_over(lua_State *L)
{
    lua_pushboolean(L, guard_is_over());
    return 1;
}

static int
is_deep(lua_State *L)
{
    lua_pushboolean(L, guard_is_deep());
    return 1;
}

int
match_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"find", find}, {"match", match},     {"gmatch", gmatch},
        {"gsub", gsub}, {"is_over", is_over}, {"is_deep", is_deep},
        {NULL, NULL},
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
