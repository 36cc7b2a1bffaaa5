/* SPDX-License-Identifier: MIT */
/* What holds for the fields of every head that was read. */
#ifndef FUZZ_HTTP_H
#define FUZZ_HTTP_H

#include "codec/http.h"
#include "fuzz.h"

/* Names and values lie in the N bytes at P that were taken, and are ones. */
static inline void
fuzz_check_fields(const struct http_fields *fields, const uint8_t *p, size_t n)
{
    FUZZ_CHECK(fields->count <= HTTP_MAX_FIELDS);
    for (unsigned i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->at[i];

        FUZZ_CHECK(fuzz_inside(field->name, p, n));
        FUZZ_CHECK(fuzz_inside(field->value, p, n));
        FUZZ_CHECK(http_is_token(field->name));
        FUZZ_CHECK(http_is_value(field->value));
    }
}

#endif
