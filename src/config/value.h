/* SPDX-License-Identifier: MIT */
/*
 * How values are spelled: durations, sizes, switches, numbers, words, quotes.
 * Text in, value out; on refusal -1 and, in WHY (SIZE bytes), what is wrong and
 * what would be right. *OUT is set only on success.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    VALUE_WHY_MAX = 512, /* a good size for WHY; longer texts are cut */
};

/* 500ms, 5s, 2m, 8h, 1d; a bare number is refused. In milliseconds. */
int value_duration(uint64_t *out, struct str text, char *why,
                   size_t size) MUST_CHECK;

/* 4096 (bytes), 16k, 8m, 1g; upper case likewise. */
int
value_size(uint64_t *out, struct str text, char *why, size_t size) MUST_CHECK;

/* 5/s; a bare number is refused, and so is any other time. */
int
value_rate(uint64_t *out, struct str text, char *why, size_t size) MUST_CHECK;

/* on, off, yes, no, true, false. */
int value_bool(bool *out, struct str text, char *why, size_t size) MUST_CHECK;

/* A decimal number. */
int
value_number(uint64_t *out, struct str text, char *why, size_t size) MUST_CHECK;

/* Writes a duration or a size in its largest exact unit; returns TEXT. */
const char *value_format_duration(uint64_t ms, char *text, size_t size);
const char *value_format_size(uint64_t bytes, char *text, size_t size);

/* Does TEXT stand in double quotes as a whole? */
bool value_is_quoted(struct str text);

/* TEXT without its quotes, and with \" for " inside of them; TEXT itself where
 * it is not quoted as a whole. In memory of ARENA, NUL-terminated. */
struct str value_unquote(struct arena *arena, struct str text);

/* Takes the next word from *REST: up to a blank outside of quotes, the quotes
 * taken off. False at the end. In memory of ARENA, NUL-terminated. */
bool value_next_word(struct arena *arena, struct str *rest, struct str *word);

/* Is TEXT one of WORDS, which are parted by blanks? Its place, or -1. */
int value_find_word(const char *words, struct str text);

/* Is it a name: 1 to CONFIG_NAME_MAX of A-Z a-z 0-9 _ . - */
bool value_is_name(struct str text);

#endif
