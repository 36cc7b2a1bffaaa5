/* SPDX-License-Identifier: MIT */
/*
 * What a client tells of itself in a login: names and values in one block of
 * bytes, which is read and passed on as a whole.
 *
 *      len name  len value | len name  len value | ...
 *
 * MySQL's manual: "Protocol::HandshakeResponse41" and "Performance Schema
 * Connection Attribute Tables", whose limit of 64 KiB a block this one is.
 */
#ifndef CODEC_MYSQL_ATTRIBUTE_H
#define CODEC_MYSQL_ATTRIBUTE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

enum {
    MYSQL_ATTRIBUTES_MAX = 64 << 10, /* bytes of a block */
};

struct mysql_attribute {
    struct str name;  /* "program_name", "_pid" */
    struct str value; /* may be empty */
};

/* Is BLOCK within the limit, and made of whole attributes? */
bool mysql_attributes_are_whole(struct str block);

/* Takes the first attribute from *BLOCK; false at its end, and where it is not
 * whole. */
bool mysql_next_attribute(struct mysql_attribute *out, struct str *block);

/* The value of the first attribute with this name; absent: none has it. */
struct str mysql_find_attribute(struct str block, struct str name);

/* Appends one to a block. */
void
mysql_write_attribute(struct buf *block, struct str name, struct str value);

#endif
