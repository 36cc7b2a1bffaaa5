/* SPDX-License-Identifier: MIT */
/*
 * What dictionaries hold (dict.h): keys and values, and their limits.
 */
#ifndef BOARD_DICT_VALUE_H
#define BOARD_DICT_VALUE_H

#include <stddef.h>

#include "base/str.h"

enum {
    DICT_COUNT_MAX = 64,         /* dictionaries */
    DICT_NAME_MAX = 32,          /* bytes of a name */
    DICT_KEY_MAX = 255,          /* bytes of a key, at least 1 */
    DICT_VALUE_MAX = 16384,      /* bytes of a string */
    DICT_BYTES_MIN = 256 * 1024, /* of the whole memory */
};

enum dict_kind {
    DICT_BOOLEAN,
    DICT_NUMBER,
    DICT_STRING,
};

struct dict_value {
    enum dict_kind kind;
    double number; /* or boolean: 0 or 1 */
    const char *p; /* the bytes of a string */
    size_t len;
};

/* Which entry: KEY of the dictionary DICT. */
struct dict_place {
    int dict;
    struct str key;
};

#endif
