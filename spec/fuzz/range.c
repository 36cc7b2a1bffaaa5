/* SPDX-License-Identifier: MIT */
/*
 * Ranges: those that are given lie in the length and are not longer than it
 * together; a length of eight bytes comes first. Written out, they read the
 * same.
 */
#include "codec/range.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/wire.h"
#include "fuzz.h"

static void
check_inverse(const struct range *ranges, int count, int64_t length)
{
    struct range again[RANGE_MAX];
    char memory[RANGE_MAX * 48];
    struct buf to;

    buf_init(&to, memory, sizeof(memory));
    buf_str(&to, STR("bytes="));
    for (int i = 0; i < count; i++)
        buf_printf(&to, "%" PRId64 "-%" PRId64 ",", ranges[i].first,
                   ranges[i].last);
    FUZZ_CHECK(!to.failed);
    FUZZ_CHECK(range_read(again, buf_text(&to), length) == count);
    for (int i = 0; i < count; i++)
        FUZZ_CHECK(again[i].first == ranges[i].first &&
                   again[i].last == ranges[i].last);
}

void
fuzz_range(const uint8_t *p, size_t n)
{
    struct range ranges[RANGE_MAX];
    int64_t length, total = 0;
    int count;

    if (n < 8)
        return;
    length = (int64_t)(wire_get_u64le(p) >> 1);
    count = range_read(ranges, str_make((const char *)p + 8, n - 8), length);
    FUZZ_CHECK(count >= RANGE_UNSATISFIABLE && count <= RANGE_MAX);
    for (int i = 0; i < count; i++) {
        FUZZ_CHECK(ranges[i].first >= 0 && ranges[i].last < length);
        FUZZ_CHECK(ranges[i].first <= ranges[i].last);
        FUZZ_CHECK(ranges[i].last - ranges[i].first < length - total);
        total += ranges[i].last - ranges[i].first + 1;
    }
    if (count > 0)
        check_inverse(ranges, count, length);
}
