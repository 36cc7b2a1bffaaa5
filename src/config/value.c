/* SPDX-License-Identifier: MIT */
/* The spellings of values. */
#include "config/value.h"

#include <ctype.h>
#include <stdio.h>

#include "config/memory.h"
#include "config/model.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit DURATIONS[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

static const struct unit SIZES[] = {
    {"g", 1024 * 1024 * 1024},
    {"m", 1024 * 1024},
    {"k", 1024},
    {"", 1},
};

static const struct unit RATES[] = {{"/s", 1}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Splits "10ms" into its digits and what follows them. */
static void
split(struct str text, struct str *digits, struct str *unit)
{
    size_t n = 0;

    while (n < text.len && isdigit((unsigned char)text.p[n]))
        n++;
    *digits = str_slice(text, 0, n);
    *unit = str_slice(text, n, text.len);
}

static int
scale(uint64_t *out, struct str digits, struct str name,
      const struct unit *units, size_t count)
{
    uint64_t n;

    for (size_t i = 0; i < count; i++) {
        if (!str_equal_nocase(name, str_from(units[i].name)))
            continue;
        if (str_to_uint(&n, digits, UINT64_MAX / units[i].factor) != 0)
            return -1;
        *out = n * units[i].factor;
        return 0;
    }
    return -1;
}

int
value_duration(uint64_t *out, struct str text, char *why, size_t size)
{
    struct str digits;
    struct str unit;

    split(text, &digits, &unit);
    if (digits.len > 0 && unit.len == 0) {
        (void)snprintf(why, size,
                       "'" STR_FMT "' has no unit: write " STR_FMT
                       "s for seconds or " STR_FMT "ms for milliseconds",
                       STR_ARG(text), STR_ARG(text), STR_ARG(text));
        return -1;
    }
    if (scale(out, digits, unit, DURATIONS, COUNT(DURATIONS)) == 0)
        return 0;
    (void)snprintf(why, size,
                   "'" STR_FMT "' is not a duration: write a whole number and "
                   "its unit, such as 500ms, 5s, 2m, 8h or 1d",
                   STR_ARG(text));
    return -1;
}

int
value_size(uint64_t *out, struct str text, char *why, size_t size)
{
    struct str digits;
    struct str unit;

    split(text, &digits, &unit);
    if (scale(out, digits, unit, SIZES, COUNT(SIZES)) == 0)
        return 0;
    (void)snprintf(why, size,
                   "'" STR_FMT
                   "' is not a size: write a whole number of bytes, "
                   "or with its unit, such as 16k, 8m or 1g",
                   STR_ARG(text));
    return -1;
}

int
value_rate(uint64_t *out, struct str text, char *why, size_t size)
{
    struct str digits;
    struct str unit;

    split(text, &digits, &unit);
    if (scale(out, digits, unit, RATES, COUNT(RATES)) == 0)
        return 0;
    (void)snprintf(why, size,
                   "'" STR_FMT "' is not a rate: write a whole number a "
                   "second, such as 5/s",
                   STR_ARG(text));
    return -1;
}

int
value_bool(bool *out, struct str text, char *why, size_t size)
{
    int place = value_find_word("off on no yes false true", text);

    if (place < 0) {
        (void)snprintf(why, size,
                       "'" STR_FMT "' is neither on nor off (yes and no, true "
                       "and false are the same)",
                       STR_ARG(text));
        return -1;
    }
    *out = place % 2 == 1;
    return 0;
}

int
value_number(uint64_t *out, struct str text, char *why, size_t size)
{
    if (str_to_uint(out, text, UINT64_MAX) == 0)
        return 0;
    (void)snprintf(why, size, "'" STR_FMT "' is not a whole number",
                   STR_ARG(text));
    return -1;
}

static const char *
format(uint64_t n, const struct unit *units, size_t count, char *text,
       size_t size)
{
    size_t i = 0;

    while (i + 1 < count && (n == 0 || n % units[i].factor != 0))
        i++;
    (void)snprintf(text, size, "%llu%s",
                   (unsigned long long)(n / units[i].factor), units[i].name);
    return text;
}

const char *
value_format_duration(uint64_t ms, char *text, size_t size)
{
    return format(ms, DURATIONS, COUNT(DURATIONS), text, size);
}

const char *
value_format_size(uint64_t bytes, char *text, size_t size)
{
    return format(bytes, SIZES, COUNT(SIZES), text, size);
}

/* Does an escaped quote begin at I? */
static bool
is_escape(struct str text, size_t i)
{
    return text.p[i] == '\\' && i + 1 < text.len && text.p[i + 1] == '"';
}

bool
value_is_quoted(struct str text)
{
    if (text.len < 2 || text.p[0] != '"')
        return false;
    for (size_t i = 1; i < text.len; i++) {
        if (is_escape(text, i))
            i++;
        else if (text.p[i] == '"')
            return i == text.len - 1;
    }
    return false;
}

/* A copy of TEXT without the quotes that are not escaped. */
static struct str
without_quotes(struct arena *arena, struct str text)
{
    char *copy = memory_alloc(arena, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (is_escape(text, i))
            copy[n++] = text.p[++i];
        else if (text.p[i] != '"')
            copy[n++] = text.p[i];
    }
    copy[n] = '\0';
    return str_make(copy, n);
}

struct str
value_unquote(struct arena *arena, struct str text)
{
    if (value_is_quoted(text))
        return without_quotes(arena, text);
    return memory_str(arena, text);
}

bool
value_next_word(struct arena *arena, struct str *rest, struct str *word)
{
    struct str text = str_trim(*rest);
    bool quoted = false;
    size_t n = 0;

    if (text.len == 0)
        return false;
    while (n < text.len &&
           (quoted || (text.p[n] != ' ' && text.p[n] != '\t'))) {
        if (is_escape(text, n))
            n++;
        else if (text.p[n] == '"')
            quoted = !quoted;
        n++;
    }
    *word = without_quotes(arena, str_slice(text, 0, n));
    *rest = str_slice(text, n, text.len);
    return true;
}

int
value_find_word(const char *words, struct str text)
{
    struct str rest = str_from(words);
    int place = 0;

    while (rest.len > 0) {
        ptrdiff_t blank = str_find_char(rest, ' ', 0);
        size_t len = blank < 0 ? rest.len : (size_t)blank;

        if (str_equal(str_slice(rest, 0, len), text))
            return place;
        place++;
        rest = str_slice(rest, len + 1, rest.len);
    }
    return -1;
}

bool
value_is_name(struct str text)
{
    if (text.len == 0 || text.len > CONFIG_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];

        if (!isalnum((unsigned char)c) && c != '_' && c != '.' && c != '-')
            return false;
    }
    return true;
}
