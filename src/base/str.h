/* SPDX-License-Identifier: MIT */
/*
 * Text that came from outside: a pointer and a length, not NUL-terminated, and
 * never owned. An absent text has p == NULL and len == 0.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* the bytes; may be NULL when len is 0 */
    size_t len;    /* how many */
};

/* A str of a string literal, as an expression. */
#define STR(literal) ((struct str){.p = "" literal, .len = sizeof(literal) - 1})

/* printf("name=" STR_FMT, STR_ARG(name)); lengths over INT_MAX are cut. */
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len), (s).p

/* The bytes of a NUL-terminated string; NULL gives the absent text. */
static inline struct str
str_from(const char *s)
{
    return (struct str){.p = s, .len = s == NULL ? 0 : strlen(s)};
}

static inline struct str
str_make(const char *p, size_t len)
{
    return (struct str){.p = p, .len = len};
}

/* Are the bytes the same? */
static inline bool
str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool
str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_equal(str_make(s.p, prefix.len), prefix);
}

static inline bool
str_ends_with(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 ||
            memcmp(s.p + (s.len - suffix.len), suffix.p, suffix.len) == 0);
}

/* As str_equal, but A-Z equal a-z. Other bytes are compared as they are. */
bool str_equal_nocase(struct str a, struct str b);

/* The place of the first C at or after FROM, or -1. */
ptrdiff_t str_find_char(struct str s, char c, size_t from);

/* The part from FROM to before TO; both are cut to the length. */
struct str str_slice(struct str s, size_t from, size_t to);

/* Without the spaces and tabs at both ends. */
struct str str_trim(struct str s);

/* Sets *OUT to the decimal number that S is, digits alone, at most MAX. -1
 * (*OUT untouched) for an empty text, another byte, or a number above MAX. */
int str_to_uint(uint64_t *out, struct str s, uint64_t max)
    __attribute__((warn_unused_result));

#endif
