/* SPDX-License-Identifier: MIT */
/*
 * Entity tags: the first line is a tag, the rest a list. What matches strongly
 * matches weakly, and a tag that is put before a list matches it.
 */
#include "codec/etag.h"

#include "base/buf.h"
#include "fuzz.h"

void
fuzz_etag(const uint8_t *p, size_t n)
{
    struct str all = str_make((const char *)p, n);
    ptrdiff_t line = str_find_char(all, '\n', 0);
    struct str tag = str_slice(all, 0, line < 0 ? n : (size_t)line);
    struct str list = str_slice(all, tag.len + 1, n);
    bool weak = etag_match(list, tag, ETAG_WEAK);
    struct buf to;

    FUZZ_CHECK(weak || !etag_match(list, tag, ETAG_STRONG));
    if (memchr(tag.p, '"', tag.len) != NULL)
        return;
    buf_init_growing(&to, 1 << 24);
    buf_char(&to, '"');
    buf_str(&to, tag);
    buf_char(&to, '"');
    tag = str_make(to.p, to.len);
    FUZZ_CHECK(etag_match(tag, tag, ETAG_STRONG));
    buf_char(&to, ',');
    buf_str(&to, list);
    FUZZ_CHECK(!to.failed);
    tag = str_make(to.p, tag.len);
    FUZZ_CHECK(etag_match(buf_text(&to), tag, ETAG_STRONG));
    buf_fini(&to);
}
