/* SPDX-License-Identifier: MIT */
#include "board/json.h"

#include <inttypes.h>

#include "board/counters.h"

/* RFC 8259, 7. Bytes from 0x80 on pass: names and addresses are ASCII, and what
 * is not was UTF-8 in the configuration. */
void
json_string(struct buf *out, struct str s)
{
    buf_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\u%04x", c);
            continue;
        }
        if (c == '"' || c == '\\')
            buf_char(out, '\\');
        buf_char(out, (char)c);
    }
    buf_char(out, '"');
}

void
json_totals(struct buf *out, const struct counter_info *infos, size_t count,
            const void *totals)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t n;

        memcpy(&n, (const char *)totals + infos[i].offset, sizeof(n));
        buf_printf(out, ",\"%s\":%" PRIu64, infos[i].name, n);
    }
}
