/* SPDX-License-Identifier: MIT */
/*
 * A chunked body: the same whole, in two pieces and byte by byte; coded again,
 * its data decodes to itself.
 */
#include "codec/chunked.h"

#include "base/buf.h"
#include "fuzz.h"

struct decoded {
    struct buf data; /* all of it */
    size_t taken;    /* bytes */
    ssize_t error;   /* or 0 */
    bool done;       /* as the decoder says */
};

/* Feeds N bytes to C; false at an error. */
static bool
feed(struct decoded *out, struct chunked *c, const uint8_t *p, size_t n)
{
    uint8_t *copy = fuzz_copy(p, n);
    size_t at = 0;

    while (at < n && !c->done && out->error == 0) {
        struct str data;
        ssize_t got = chunked_read(c, copy + at, n - at, &data);

        if (got < 0) {
            out->error = got;
            break;
        }
        FUZZ_CHECK(got > 0 && (size_t)got <= n - at);
        FUZZ_CHECK(fuzz_inside(data, copy + at, (size_t)got));
        buf_str(&out->data, data);
        at += (size_t)got;
    }
    free(copy);
    out->taken += at;
    return out->error == 0;
}

/* Decodes in pieces of STEP bytes. */
static void
decode(struct decoded *out, const uint8_t *p, size_t n, size_t step)
{
    struct chunked c;

    *out = (struct decoded){.taken = 0};
    buf_init_growing(&out->data, 1 << 24);
    chunked_init(&c);
    for (size_t at = 0; at < n; at += step) {
        size_t len = step < n - at ? step : n - at;

        if (!feed(out, &c, p + at, len))
            return;
    }
    FUZZ_CHECK(!out->data.failed && c.total == out->data.len);
    out->done = c.done;
}

/* Data in chunks of STEP bytes. */
static void
encode(struct buf *to, struct str data, size_t step)
{
    while (data.len > 0) {
        char line[CHUNKED_SIZE_LINE];
        size_t len = step < data.len ? step : data.len;
        size_t line_len = chunked_write_size(line, len);

        buf_add(to, line, line_len);
        buf_add(to, data.p, len);
        buf_str(to, STR("\r\n"));
        data = str_slice(data, len, data.len);
    }
    buf_str(to, STR("0\r\n\r\n"));
}

static void
check_inverse(const uint8_t *p, size_t n)
{
    struct str data = str_make((const char *)p, n);
    struct decoded got;
    struct buf coded;

    buf_init_growing(&coded, 1 << 24);
    encode(&coded, data, n > 0 ? (size_t)p[0] + 1 : 1);
    FUZZ_CHECK(!coded.failed);
    decode(&got, (const uint8_t *)coded.p, coded.len, coded.len);
    FUZZ_CHECK(got.done && got.taken == coded.len);
    FUZZ_CHECK(str_equal(buf_text(&got.data), data));
    buf_fini(&got.data);
    buf_fini(&coded);
}

void
fuzz_chunked(const uint8_t *p, size_t n)
{
    struct decoded whole, part;
    size_t steps[] = {1, n > 0 ? (size_t)p[n - 1] % n + 1 : 1};

    decode(&whole, p, n, n > 0 ? n : 1);
    if (whole.error != 0)
        FUZZ_CHECK(chunked_error_text((enum chunked_error)whole.error)[0] !=
                   'u');
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        decode(&part, p, n, steps[i]);
        FUZZ_CHECK(part.error == whole.error && part.done == whole.done);
        FUZZ_CHECK(str_equal(buf_text(&part.data), buf_text(&whole.data)));
        FUZZ_CHECK(!whole.done || part.taken == whole.taken);
        buf_fini(&part.data);
    }
    buf_fini(&whole.data);
    check_inverse(p, n);
}
