/* SPDX-License-Identifier: MIT */
/*
 * Cookies: each pair lies in the field, and each name is found at or before its
 * place.
 */
#include "codec/cookie.h"

#include "fuzz.h"

void
fuzz_cookie(const uint8_t *p, size_t n)
{
    struct str field = str_make((const char *)p, n), rest = field;
    struct str name, value, found;

    if (n > 4096)
        return;
    while (cookie_next(&rest, &name, &value)) {
        FUZZ_CHECK(fuzz_inside(name, p, n) && fuzz_inside(value, p, n));
        FUZZ_CHECK(memchr(value.p, ';', value.len) == NULL);
        FUZZ_CHECK(str_equal(str_trim(value), value));
        FUZZ_CHECK(cookie_find(&found, field, name));
        FUZZ_CHECK(found.p <= value.p);
    }
    FUZZ_CHECK(rest.len == 0);
}
