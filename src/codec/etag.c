/* SPDX-License-Identifier: MIT */
/*
 * Lists of entity tags.
 */
#include "codec/etag.h"

/* Takes one tag off *REST into *OUT. An opaque tag may hold any byte but a
 * quote here: what else is not allowed in one equals none of ours. */
static bool
next_tag(struct str *rest, struct str *out)
{
    size_t weak = str_starts_with(*rest, STR("W/")) ? 2 : 0;
    ptrdiff_t quote;
    size_t len;

    if (rest->len < weak + 2 || rest->p[weak] != '"')
        return false;
    quote = str_find_char(*rest, '"', weak + 1);
    if (quote < 0)
        return false;
    len = (size_t)quote + 1;
    *out = str_slice(*rest, 0, len);
    *rest = str_trim(str_slice(*rest, len, rest->len));
    return true;
}

static bool
tags_match(struct str a, struct str b, enum etag_compare compare)
{
    bool weak_a = str_starts_with(a, STR("W/"));
    bool weak_b = str_starts_with(b, STR("W/"));

    if (compare == ETAG_STRONG && (weak_a || weak_b))
        return false;
    return str_equal(str_slice(a, weak_a ? 2 : 0, a.len),
                     str_slice(b, weak_b ? 2 : 0, b.len));
}

bool
etag_match(struct str list, struct str etag, enum etag_compare compare)
{
    struct str rest = str_trim(list), tag;

    if (str_equal(rest, STR("*")))
        return true;
    for (;;) {
        /* RFC 9110, 5.6.1: empty members of a list are to be ignored. */
        while (rest.len > 0 && rest.p[0] == ',')
            rest = str_trim(str_slice(rest, 1, rest.len));
        if (!next_tag(&rest, &tag))
            return false;
        if (tags_match(tag, etag, compare))
            return true;
        if (rest.len > 0 && rest.p[0] != ',')
            return false;
    }
}
