/* SPDX-License-Identifier: MIT */
/*
 * Text with a length: comparing, cutting, reading numbers.
 */
#include "base/str.h"

#include <errno.h>

static unsigned char
lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool
str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (a.p[i] != b.p[i] && lower(a.p[i]) != lower(b.p[i]))
            return false;
    }
    return true;
}

ptrdiff_t
str_find_char(struct str s, char c, size_t from)
{
    const char *found;

    if (from >= s.len)
        return -1;
    found = memchr(s.p + from, c, s.len - from);
    return found == NULL ? -1 : found - s.p;
}

struct str
str_slice(struct str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    return s.p == NULL ? s : str_make(s.p + from, to - from);
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str
str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1]))
        s.len--;
    return s;
}

int
str_to_uint(uint64_t *out, struct str s, uint64_t max)
{
    uint64_t n = 0;

    if (s.len == 0)
        goto refuse;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

        if (digit > 9 || digit > max || n > (max - digit) / 10)
            goto refuse;
        n = n * 10 + digit;
    }
    *out = n;
    return 0;

refuse:
    errno = EINVAL;
    return -1;
}
