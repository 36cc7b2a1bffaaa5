/* SPDX-License-Identifier: MIT */
/*
 * FastCGI: headers and pairs that are read are written as the same bytes (but
 * for lengths in a longer form), and a stream of parameters comes out of its
 * records as it went in.
 */
#include "codec/fcgi.h"

#include "fuzz.h"

static void
check_header(const uint8_t *p, size_t n)
{
    struct fcgi_header header;
    uint8_t again[FCGI_HEADER_LEN];
    ssize_t got = fcgi_read_header(&header, p, n);

    if (got <= 0) {
        FUZZ_CHECK(got == 0 ? n < FCGI_HEADER_LEN : p[0] != FCGI_VERSION);
        return;
    }
    fcgi_put_header(again, (enum fcgi_type)header.type, header.request_id,
                    header.content_len, header.padding_len);
    FUZZ_CHECK(memcmp(again, p, FCGI_HEADER_LEN - 1) == 0);
}

static void
check_end(const uint8_t *p, size_t n)
{
    struct fcgi_end end;
    ssize_t got = fcgi_read_end(&end, p, n);

    FUZZ_CHECK((got == FCGI_END_LEN) == (n == FCGI_END_LEN));
    if (got > 0)
        FUZZ_CHECK(fcgi_status_text(end.status) != NULL);
}

/* Reads pairs up to an error; appends them to TO as they are written. */
static size_t
copy_pairs(struct buf *to, const uint8_t *p, size_t n)
{
    size_t at = 0;

    while (at < n) {
        struct fcgi_pair pair;
        ssize_t got = fcgi_read_pair(&pair, p + at, n - at);

        if (got < 0)
            break;
        FUZZ_CHECK(got >= 2 && (size_t)got <= n - at);
        FUZZ_CHECK(fuzz_inside(pair.name, p + at, (size_t)got));
        FUZZ_CHECK(fuzz_inside(pair.value, p + at, (size_t)got));
        FUZZ_CHECK(fcgi_pair_len(pair.name, pair.value) <= (size_t)got);
        fcgi_write_pair(to, pair.name, pair.value);
        at += (size_t)got;
    }
    return at;
}

/* The contents of the records in a stream that one empty record ends. */
static void
join_records(struct buf *to, struct str bytes)
{
    const uint8_t *p = (const uint8_t *)bytes.p, *end = p + bytes.len;
    struct fcgi_header header;

    do {
        FUZZ_CHECK(fcgi_read_header(&header, p, (size_t)(end - p)) > 0);
        FUZZ_CHECK(header.type == FCGI_PARAMS && header.request_id == 1);
        p += FCGI_HEADER_LEN;
        FUZZ_CHECK((size_t)(end - p) >= header.content_len);
        buf_add(to, p, header.content_len);
        p += header.content_len;
    } while (header.content_len > 0);
    FUZZ_CHECK(p == end);
}

/* The first two bytes say how often the pairs are repeated, so that streams
 * become long enough for several records. */
static void
check_params(const uint8_t *p, size_t n)
{
    unsigned times = n < 2 ? 1 : (unsigned)(p[0] | p[1] << 8) % 300 + 1;
    struct buf stream, plain, joined;
    size_t at;

    buf_init_growing(&stream, 1 << 26);
    buf_init_growing(&plain, 1 << 26);
    buf_init_growing(&joined, 1 << 26);
    at = fcgi_open_params(&stream);
    for (unsigned i = 0; i < times && n >= 2; i++) {
        size_t taken = copy_pairs(&stream, p + 2, n - 2);

        FUZZ_CHECK(copy_pairs(&plain, p + 2, n - 2) == taken);
    }
    fcgi_close_params(&stream, at, 1);
    if (!stream.failed) {
        join_records(&joined, buf_text(&stream));
        FUZZ_CHECK(str_equal(buf_text(&joined), buf_text(&plain)));
    }
    buf_fini(&stream);
    buf_fini(&plain);
    buf_fini(&joined);
}

void
fuzz_fcgi(const uint8_t *p, size_t n)
{
    check_header(p, n);
    check_end(p, n);
    check_params(p, n);
}
