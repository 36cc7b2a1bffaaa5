/* SPDX-License-Identifier: MIT */
#include "app/json_scan.h"

#include <string.h>

static const struct str nothing = {NULL, 0};

static size_t
skip_blanks(struct str s, size_t at)
{
    while (at < s.len && strchr(" \t\r\n", s.p[at]) != NULL)
        at++;
    return at;
}

/* Behind the string that begins at AT. */
static size_t
skip_string(struct str s, size_t at)
{
    for (at++; at < s.len && s.p[at] != '"'; at++) {
        if (s.p[at] == '\\')
            at++;
    }
    return at < s.len ? at + 1 : s.len;
}

/* Behind the value that begins at AT. */
static size_t
skip_value(struct str s, size_t at)
{
    unsigned depth = 0;

    while (at < s.len) {
        char c = s.p[at];

        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        if (c == '"') {
            at = skip_string(s, at);
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        at++;
    }
    return at;
}

struct str
json_scan_get(struct str object, const char *name)
{
    size_t at = skip_blanks(object, 0);

    if (at >= object.len || object.p[at] != '{')
        return nothing;
    for (at++; at < object.len && object.p[at] == '"';) {
        size_t end = skip_string(object, at);
        struct str key = str_slice(object, at + 1, end - 1);
        size_t value = end + 1; /* behind the colon */

        at = skip_value(object, value);
        if (str_equal(key, str_from(name)))
            return str_slice(object, value, at);
        at++;
    }
    return nothing;
}

bool
json_scan_next(struct str *item, struct str *rest)
{
    size_t from = skip_blanks(*rest, 0);
    size_t to;

    if (from + 1 >= rest->len || rest->p[from] == ']' ||
        (rest->p[from] != '[' && rest->p[from] != ','))
        return false;
    from = skip_blanks(*rest, from + 1);
    to = skip_value(*rest, from);
    if (to == from)
        return false;
    *item = str_slice(*rest, from, to);
    *rest = str_slice(*rest, to, rest->len);
    return true;
}

uint64_t
json_scan_uint(struct str value)
{
    uint64_t n = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            break;
        n = n * 10 + (uint64_t)(value.p[i] - '0');
    }
    return n;
}

bool
json_scan_is_true(struct str value)
{
    return str_equal(value, STR("true"));
}

char *
json_scan_text(char *to, size_t size, struct str value)
{
    size_t n = 0;

    for (size_t i = 1; i + 1 < value.len && n + 1 < size; i++) {
        char c = value.p[i];

        if (c == '\\' && i + 2 < value.len) {
            c = value.p[++i];
            if (c == 'u') {
                c = '?';
                i += 4;
            }
        }
        to[n++] = c >= ' ' && c < 0x7f ? c : '?';
    }
    to[n] = '\0';
    return to;
}
