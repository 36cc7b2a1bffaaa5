/* SPDX-License-Identifier: MIT */
/*
 * A reader that descends as deep as JSON_DEPTH_MAX, and leaves each value on
 * the stack.  Functions answer NULL or what is wrong; r->p is then where.
 */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "script/guard.h"
#include "script/json.h"

enum {
    LEVEL_SLOTS = 8, /* of the stack, that a level needs */
};

struct reader {
    lua_State *L;
    const char *p; /* what was not read yet */
    const char *end;
    int array;      /* place of the metatable of arrays */
    unsigned depth; /* levels that are open */
};

static const char *read_value(struct reader *r);

static void
skip_space(struct reader *r)
{
    while (r->p < r->end &&
           (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

/* The next byte behind white space; 0: the end. */
static char
next(struct reader *r)
{
    skip_space(r);
    return r->p < r->end ? *r->p : '\0';
}

/* --- texts ---------------------------------------------------------------- */

/* The value of the four digits at P; -1: they are none. */
static int32_t
read_hex(const char *p, const char *end)
{
    int32_t value = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* Takes \uXXXX, or two of them that are a pair; r->p is at the u. -1: it is no
 * character. */
static int32_t
read_point(struct reader *r)
{
    int32_t first = read_hex(r->p + 1, r->end);
    int32_t second;

    if (first < 0 || (first >= 0xdc00 && first <= 0xdfff))
        return -1;
    r->p += 5;
    if (first < 0xd800 || first > 0xdbff)
        return first;
    if (r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u')
        return -1;
    second = read_hex(r->p + 2, r->end);
    if (second < 0xdc00 || second > 0xdfff)
        return -1;
    r->p += 6;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/* Takes what follows a backslash and writes it to *TO. */
static const char *
read_escape(struct reader *r, char **to)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter;
    int32_t point;

    if (*r->p == 'u') {
        point = read_point(r);
        if (point < 0)
            return "\\u without a character";
        *to += utf8_write(*to, (uint32_t)point);
        return NULL;
    }
    letter = *r->p == '\0' ? NULL : strchr(letters, *r->p);
    if (letter == NULL)
        return "unknown escape";
    *(*to)++ = meanings[letter - letters];
    r->p++;
    return NULL;
}

/* Takes a run of bytes that stand for themselves and are valid. */
static const char *
skip_plain(struct reader *r)
{
    while (r->p < r->end && *r->p != '"' && *r->p != '\\') {
        uint8_t byte = (uint8_t)*r->p;
        size_t len = 1;

        if (byte < 0x20)
            return "control byte in a string";
        if (byte >= 0x80)
            len = utf8_len((const uint8_t *)r->p, (size_t)(r->end - r->p));
        if (len == 0)
            return "a string is not UTF-8";
        r->p += len;
    }
    return r->p == r->end ? "a string without its end" : NULL;
}

/* Where the quote is that ends the string at P; END: there is none. */
static const char *
string_end(const char *p, const char *end)
{
    while (p < end && *p != '"')
        p += *p == '\\' && end - p > 1 ? 2 : 1;
    return p;
}

/* Reads on behind START, where there is a backslash at r->p.  No text is longer
 * than what it is written as. */
static const char *
read_escaped(struct reader *r, const char *start)
{
    size_t room = (size_t)(string_end(start, r->end) - start);
    char *text = lua_newuserdata(r->L, room);
    char *to = text;
    const char *why = NULL;

    for (const char *from = start;; from = r->p) {
        why = skip_plain(r);
        if (why != NULL)
            return why;
        memcpy(to, from, (size_t)(r->p - from));
        to += r->p - from;
        if (*r->p++ == '"')
            break;
        if (r->p == r->end)
            return "a string without its end";
        why = read_escape(r, &to);
        if (why != NULL)
            return why;
    }
    lua_pushlstring(r->L, text, (size_t)(to - text));
    lua_remove(r->L, -2);
    return NULL;
}

static const char *
read_string(struct reader *r)
{
    const char *start = ++r->p;
    const char *why = skip_plain(r);

    if (why != NULL)
        return why;
    if (*r->p == '\\') {
        r->p = start;
        return read_escaped(r, start);
    }
    lua_pushlstring(r->L, start, (size_t)(r->p - start));
    r->p++;
    return NULL;
}

/* --- numbers and words ---------------------------------------------------- */

static const char *
skip_digits(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Where the number at P ends (RFC 8259, 6); NULL: it is none.  A NUL is behind
 * the text. */
static const char *
number_end(const char *p)
{
    const char *digits = *p == '-' ? ++p : p;

    p = *p == '0' ? p + 1 : skip_digits(p);
    if (p == digits)
        return NULL;
    if (*p == '.') {
        digits = ++p;
        p = skip_digits(p);
        if (p == digits)
            return NULL;
    }
    if (*p != 'e' && *p != 'E')
        return p;
    p++;
    if (*p == '+' || *p == '-')
        p++;
    digits = p;
    p = skip_digits(p);
    return p == digits ? NULL : p;
}

/* strtod knows more numbers than JSON: what it took has to be that number. */
static const char *
read_number(struct reader *r)
{
    const char *end = number_end(r->p);
    char *taken;
    double n;

    if (end == NULL)
        return "not a number";
    n = strtod(r->p, &taken);
    if (taken != end)
        return "not a number";
    if (!isfinite(n))
        return "a number is too large";
    r->p = end;
    lua_pushnumber(r->L, n);
    return NULL;
}

static bool
take_word(struct reader *r, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
        return false;
    r->p += len;
    return true;
}

static const char *
read_word(struct reader *r)
{
    if (take_word(r, "true"))
        lua_pushboolean(r->L, 1);
    else if (take_word(r, "false"))
        lua_pushboolean(r->L, 0);
    else if (take_word(r, "null"))
        lua_pushlightuserdata(r->L, NULL);
    else
        return r->p == r->end ? "a value is missing" : "not a value";
    return NULL;
}

/* --- arrays and objects --------------------------------------------------- */

/* Behind an element or a member: true, and a further one follows. */
static const char *
read_separator(struct reader *r, char close, bool *more)
{
    char c = next(r);

    if (c != ',' && c != close)
        return close == ']' ? "',' or ']' expected" : "',' or '}' expected";
    r->p++;
    *more = c == ',';
    return NULL;
}

static const char *
read_elements(struct reader *r)
{
    bool more = true;

    for (int i = 1; more; i++) {
        const char *why = read_value(r);

        if (why != NULL)
            return why;
        lua_rawseti(r->L, -2, i);
        why = read_separator(r, ']', &more);
        if (why != NULL)
            return why;
    }
    return NULL;
}

static const char *
read_array(struct reader *r)
{
    lua_newtable(r->L);
    lua_pushvalue(r->L, r->array);
    lua_setmetatable(r->L, -2);
    r->p++;
    if (next(r) != ']')
        return read_elements(r);
    r->p++;
    return NULL;
}

/* Reads "name":, and leaves the name. */
static const char *
read_name(struct reader *r)
{
    const char *why;

    if (next(r) != '"')
        return "a name in quotes expected";
    why = read_string(r);
    if (why != NULL)
        return why;
    lua_pushvalue(r->L, -1);
    lua_rawget(r->L, -3);
    if (!lua_isnil(r->L, -1))
        return "a name comes twice in an object";
    lua_pop(r->L, 1);
    if (next(r) != ':')
        return "':' expected";
    r->p++;
    return NULL;
}

static const char *
read_members(struct reader *r)
{
    bool more = true;

    while (more) {
        const char *why = read_name(r);

        if (why == NULL)
            why = read_value(r);
        if (why != NULL)
            return why;
        lua_rawset(r->L, -3);
        why = read_separator(r, '}', &more);
        if (why != NULL)
            return why;
    }
    return NULL;
}

static const char *
read_object(struct reader *r)
{
    lua_newtable(r->L);
    r->p++;
    if (next(r) != '}')
        return read_members(r);
    r->p++;
    return NULL;
}

static const char *
read_table(struct reader *r)
{
    const char *why;

    if (r->depth == JSON_DEPTH_MAX)
        return "too many levels";
    luaL_checkstack(r->L, LEVEL_SLOTS, "too many levels");
    r->depth++;
    why = *r->p == '[' ? read_array(r) : read_object(r);
    r->depth--;
    return why;
}

static const char *
read_value(struct reader *r)
{
    char c = next(r);

    if (guard_is_over())
        return "its time is over";
    if (c == '[' || c == '{')
        return read_table(r);
    if (c == '"')
        return read_string(r);
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r);
    return read_word(r);
}

const char *
json_decode(size_t *at, lua_State *L, struct str text, int array)
{
    struct reader r = {
        .L = L,
        .p = text.p,
        .end = text.p + text.len,
        .array = array,
    };
    const char *why = read_value(&r);

    skip_space(&r);
    if (why == NULL && r.p < r.end)
        why = "more than one value";
    *at = (size_t)(r.p - text.p);
    return why;
}
