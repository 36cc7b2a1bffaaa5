/* SPDX-License-Identifier: MIT */
#include "script/flow_number.h"

#include "base/hash.h"

/* The text before the first slash that more than DEPTH are before or at. */
static struct str
cut_folders(struct str uri, double depth)
{
    ptrdiff_t at = str_find_char(uri, '/', 0);

    for (double slashes = 1; at >= 0 && slashes <= depth; slashes++)
        at = str_find_char(uri, '/', (size_t)at + 1);
    return at < 0 ? uri : str_slice(uri, 0, (size_t)at);
}

uint32_t
flow_number_uri(struct str uri, double len, double depth, bool whole)
{
    ptrdiff_t question;

    if (len >= 0 && len < (double)uri.len)
        uri = str_slice(uri, 0, (size_t)len);
    question = whole ? -1 : str_find_char(uri, '?', 0);
    if (question >= 0)
        uri = str_slice(uri, 0, (size_t)question);
    if (depth < (double)uri.len)
        uri = cut_folders(uri, depth);
    return hash_sdbm(uri.p, uri.len);
}

/* The place of the first comma outside quotes, or the end. */
static size_t
find_end(struct str value)
{
    bool quoted = false;

    for (size_t at = 0; at < value.len; at++) {
        if (value.p[at] == ',' && !quoted)
            return at;
        if (value.p[at] == '"')
            quoted = !quoted;
        if (value.p[at] == '\\' && quoted)
            at++;
    }
    return value.len;
}

bool
flow_number_element(uint32_t *out, struct str value)
{
    const struct str element = str_trim(str_slice(value, 0, find_end(value)));

    if (element.len == 0)
        return false;
    *out = hash_sdbm(element.p, element.len);
    return true;
}
