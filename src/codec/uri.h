/* SPDX-License-Identifier: MIT */
/*
 * Parts of a request's URI (RFC 3986): the path decoded and without dot
 * segments, the arguments of the query, and the way back for redirects.
 * Decoding happens once; what it yields is never decoded again.
 */
#ifndef CODEC_URI_H
#define CODEC_URI_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

enum uri_slash {
    URI_SLASH_DECODE, /* %2F in a path is a '/' like any other, as in nginx */
    URI_SLASH_REFUSE, /* %2F in a path is an error */
};

enum uri_error {
    URI_E_RELATIVE = -1, /* a path that does not start with '/' */
    URI_E_ESCAPE = -2,   /* '%' without two hex digits */
    URI_E_NUL = -3,      /* a NUL, encoded or not */
    URI_E_ABOVE = -4,    /* ".." above the root */
    URI_E_SLASH = -5,    /* %2F with URI_SLASH_REFUSE */
};

/* Cuts URI at its first '?'. QUERY->p is NULL where there is none. */
void uri_split(struct str *path, struct str *query, struct str uri);

/* Decodes a PATH once, merges slashes, and removes "." and ".." segments, so
 * that a segment that was written in any way is the same. A '/' at the end
 * stays, and "/a/." and "/a/b/.." end in one.
 * *OUT is PATH itself where there is nothing to change, else it is written into
 * SPACE, which has room for path.len bytes and may not overlap PATH. Returns 0
 * or a uri_error. */
int uri_normalize(struct str *out, char *space, struct str path,
                  enum uri_slash slash) __attribute__((warn_unused_result));

/* What is wrong, in words for a log; never NULL. */
const char *uri_error_text(enum uri_error error);

/* Takes the next "name=value" off the query *REST; *VALUE is empty and its p
 * NULL without a '='. Both are as they were sent. Empty pieces between '&' are
 * skipped. False at the end. */
bool uri_next_arg(struct str *rest, struct str *name, struct str *value);

/* Finds the first argument whose decoded name is NAME (case matters). *VALUE is
 * set as it was sent, and empty where there is no '='. False if there is no
 * such argument. */
bool uri_find_arg(struct str *value, struct str query, struct str name);

/* Decodes an argument: %XX, and '+' as a space. A '%' without two hex digits
 * stays as it is, as browsers' peers do. OUT has room for text.len bytes and
 * may be text.p itself. Returns the length. */
size_t uri_decode_arg(char *out, struct str text);

/* Appends a decoded PATH for a Location: what may not stand in a path, '?', '#'
 * and '%' too, becomes %XX; '/' stays. */
void uri_write_path(struct buf *to, struct str path);

/* Appends TEXT as a part of a query: all but unreserved bytes become %XX. */
void uri_write_arg(struct buf *to, struct str text);

#endif
