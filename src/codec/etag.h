/* SPDX-License-Identifier: MIT */
/*
 * Entity tags (RFC 9110, 8.8.3) and the lists of them in If-Match and
 * If-None-Match.
 */
#ifndef CODEC_ETAG_H
#define CODEC_ETAG_H

#include <stdbool.h>

#include "base/str.h"

enum etag_compare {
    ETAG_WEAK,   /* W/ does not matter: If-None-Match */
    ETAG_STRONG, /* neither may be weak: If-Match, If-Range, Range */
};

/* Does LIST, "*" or entity tags between commas, name the tag ETAG (quotes and
 * W/ included)? A list that is not well formed names only what came before
 * its first fault. */
bool etag_match(struct str list, struct str etag, enum etag_compare compare);

#endif
