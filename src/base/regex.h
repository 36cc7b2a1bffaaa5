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
    REGEX_MATCH_LIMIT = 1000000, /* steps before a match is given up */
};

struct regex;

/* Compiles PATTERN; FLAGS is 0 or of enum regex_flag. NULL if it is not a valid
 * pattern; WHY (SIZE bytes) then says what and at which byte. */
struct regex *
regex_new(const char *pattern, unsigned flags, char *why, size_t size);

/* Frees it; NULL does nothing. */
void regex_free(struct regex *re);

/* Searches SUBJECT. On a match sets GROUPS, group 0 being the whole of it, and
 * returns how many were set: the groups of the pattern, at most MAX_GROUPS, but
 * 1 where that is 0. Groups lie in SUBJECT; one that took no part is an absent
 * text. Returns 0 for no match, -1 when the match was given up. */
int regex_match(struct regex *re, struct str subject, struct str *groups,
                unsigned max_groups);

/* What each subject that matches begins with, as far as that is known; it lives
 * as long as RE. Others need not be searched, and are told fast. */
struct str regex_prefix(const struct regex *re);

/* How many groups the pattern has, group 0 included. */
unsigned regex_groups(const struct regex *re);

/* The version of the library in use, as text. */
const char *regex_version(void);

#endif
