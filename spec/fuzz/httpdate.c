/* SPDX-License-Identifier: MIT */
/*
 * Dates: what is read is written as a date that reads the same; so is any time.
 */
#include "codec/httpdate.h"

#include "base/wire.h"
#include "fuzz.h"

static void
check_inverse(int64_t t)
{
    char date[HTTPDATE_LEN];
    int64_t again;

    httpdate_write(date, t);
    FUZZ_CHECK(httpdate_read(&again, str_make(date, HTTPDATE_LEN)) == 0);
    if (t >= INT64_C(-62167219200) && t <= INT64_C(253402300799))
        FUZZ_CHECK(again == t);
}

void
fuzz_httpdate(const uint8_t *p, size_t n)
{
    int64_t t;

    if (httpdate_read(&t, str_make((const char *)p, n)) == 0)
        check_inverse(t);
    if (n >= 8) {
        t = (int64_t)wire_get_u64le(p);
        check_inverse(t);
        check_inverse(t % INT64_C(253402300800));
    }
}
