/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions: PCRE2, compiled to machine code, over bytes (not UTF-8).
 * A pattern that backtracks without end is given up, not waited for.
 */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include "base/str.h"

enum regex_flag {
    REGEX_NOCASE = 1, /* A-Z and a-z match each other */
};

enum {
    REGEX_GROUPS_MAX = 32,       /* groups that can be asked for, with 0 */
    REGEX_MATCH_LIMIT = 1000000, /* steps before a match is given up */
};

struct regex;

/* Compiles PATTERN; FLAGS is 0 or of enum regex_flag. NULL if it is not a valid
 * pattern; WHY (SIZE bytes) then says what and at which byte. */
struct regex *
regex_new(const char *pattern, unsigned flags, char *why, size_t size);

/* Frees it; NULL does nothing. */
void regex_free(struct regex *re);

/* Searches SUBJECT. Returns how many of GROUPS were set: 1 and more on a match
 * (group 0 is the whole of it; groups that took no part are absent texts inside
 * SUBJECT), 0 for no match, -1 when it was given up. At most MAX_GROUPS are
 * set, those of the pattern beyond it are left out; all may be NULL and 0. */
int regex_match(const struct regex *re, struct str subject, struct str *groups,
                unsigned max_groups);

/* How many groups the pattern has, group 0 included. */
unsigned regex_groups(const struct regex *re);

#endif
