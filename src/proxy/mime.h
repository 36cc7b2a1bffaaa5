/* SPDX-License-Identifier: MIT */
/*
 * The media type of a file by its name's extension: nginx's table, and what
 * has come since.  No charset is added, as nginx adds none unless told.
 */
#ifndef PROXY_MIME_H
#define PROXY_MIME_H

#include "base/str.h"

enum {
    MIME_EXTENSION_MAX = 16, /* bytes of an extension that can be known */
};

/* The type of the file named PATH, by what follows the last dot of its last
 * part, in any case of letters; application/octet-stream if it is not known.
 * Static text. */
struct str mime_type(struct str path);

#endif
