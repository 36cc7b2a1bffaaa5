/* SPDX-License-Identifier: MIT */
/*
 * Byte ranges: "first-last", "first-" and "-suffix" between commas.
 */
#include "codec/range.h"

#include "codec/http.h"

enum {
    SPEC_BAD = -1, /* not well formed */
    SPEC_OUT = 0,  /* lies outside the representation */
    SPEC_IN = 1,   /* lies in it, at least in part */
};

/* A position; what 63 bits do not hold lies beyond every length. */
static bool
read_position(int64_t *out, struct str digits)
{
    uint64_t n;

    if (str_to_uint(&n, digits, INT64_MAX) == 0) {
        *out = (int64_t)n;
        return true;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
    }
    *out = INT64_MAX;
    return digits.len > 0;
}

static int
read_suffix(struct range *out, struct str digits, int64_t length)
{
    int64_t suffix;

    if (!read_position(&suffix, digits))
        return SPEC_BAD;
    if (suffix == 0)
        return SPEC_OUT;
    out->first = suffix < length ? length - suffix : 0;
    out->last = length - 1;
    return SPEC_IN;
}

static int
read_spec(struct range *out, struct str spec, int64_t length)
{
    ptrdiff_t dash = str_find_char(spec, '-', 0);
    struct str before, after;

    if (dash < 0)
        return SPEC_BAD;
    before = str_slice(spec, 0, (size_t)dash);
    after = str_slice(spec, (size_t)dash + 1, spec.len);
    if (before.len == 0)
        return read_suffix(out, after, length);

    if (!read_position(&out->first, before))
        return SPEC_BAD;
    out->last = INT64_MAX;
    if (after.len > 0 && !read_position(&out->last, after))
        return SPEC_BAD;
    if (out->last < out->first)
        return SPEC_BAD;
    if (out->last >= length)
        out->last = length - 1;
    return out->first < length ? SPEC_IN : SPEC_OUT;
}

/* The set behind "bytes=": "first-last" and the like between commas. */
static int
read_set(struct range out[RANGE_MAX], struct str set, int64_t length)
{
    int64_t total = 0;
    int specs = 0, count = 0;
    struct str spec;

    while (http_list_next(&spec, &set)) {
        struct range range;
        int got;

        if (spec.len == 0)
            continue;
        got = read_spec(&range, spec, length);
        if (got == SPEC_BAD || ++specs > RANGE_MAX)
            return RANGE_IGNORED;
        if (got == SPEC_OUT)
            continue;
        if (range.last - range.first >= length - total)
            return RANGE_IGNORED;
        total += range.last - range.first + 1;
        out[count++] = range;
    }
    if (specs == 0)
        return RANGE_IGNORED;
    return count > 0 ? count : RANGE_UNSATISFIABLE;
}

int
range_read(struct range out[RANGE_MAX], struct str value, int64_t length)
{
    const struct str unit = STR("bytes=");

    if (length == 0)
        return RANGE_IGNORED;
    if (!str_equal_nocase(str_slice(value, 0, unit.len), unit))
        return RANGE_IGNORED;
    return read_set(out, str_slice(value, unit.len, value.len), length);
}
