/* SPDX-License-Identifier: MIT */
/* What holds for every reader of one payload. */
#ifndef FUZZ_MYSQL_H
#define FUZZ_MYSQL_H

#include "codec/mysql.h"
#include "fuzz.h"

/* A reader takes all of the payload, or answers an error. */
static inline bool
fuzz_is_taken(ssize_t got, size_t n)
{
    FUZZ_CHECK(got == (ssize_t)n || got < 0);
    if (got < 0)
        FUZZ_CHECK(mysql_error_text((enum mysql_error)got) != NULL);
    return got >= 0;
}

/* Does TEXT, which may be none, lie in the N bytes at P? */
static inline bool
fuzz_is_text_of(struct str text, const uint8_t *p, size_t n)
{
    return text.len == 0 || fuzz_inside(text, p, n);
}

#endif
