/* SPDX-License-Identifier: MIT */
/*
 * PROXY headers: what is taken is taken alone and at every later cut, never in
 * part, and its addresses are read again as they are written.
 */
#include "codec/proxyproto.h"

#include "fuzz.h"

static ssize_t
read_copy(struct proxyproto *out, const uint8_t *p, size_t n)
{
    uint8_t *copy = fuzz_copy(p, n);
    ssize_t taken = proxyproto_read(out, copy, n);

    FUZZ_CHECK(taken <= (ssize_t)n);
    free(copy);
    return taken;
}

static void
check_again(const struct proxyproto *header, enum proxyproto_version version)
{
    struct proxyproto again;
    char space[PROXYPROTO_MAX];
    struct buf out;
    ssize_t taken;

    buf_init(&out, space, sizeof(space));
    proxyproto_write(&out, version, &header->from, &header->to);
    FUZZ_CHECK(!out.failed);
    taken = proxyproto_read(&again, (const uint8_t *)out.p, out.len);
    FUZZ_CHECK(taken == (ssize_t)out.len && again.has_ends);
    FUZZ_CHECK(addr_equal_host(&again.from, &header->from));
    FUZZ_CHECK(addr_equal_host(&again.to, &header->to));
    FUZZ_CHECK(addr_port(&again.from) == addr_port(&header->from));
    FUZZ_CHECK(addr_port(&again.to) == addr_port(&header->to));
}

/* Whatever is cut off is waited for, or is at fault already. */
static void
check_cuts(const uint8_t *p, size_t n, ssize_t whole)
{
    struct proxyproto header;

    for (size_t cut = 0; cut < n && cut < 300; cut++) {
        ssize_t taken = read_copy(&header, p, cut);

        if (whole > 0 && cut >= (size_t)whole)
            FUZZ_CHECK(taken == whole);
        else if (whole >= 0)
            FUZZ_CHECK(taken == 0);
        else
            FUZZ_CHECK(taken == 0 || taken == whole);
    }
}

void
fuzz_proxyproto(const uint8_t *p, size_t n)
{
    struct proxyproto header;
    ssize_t taken = read_copy(&header, p, n);

    if (taken == 0)
        FUZZ_CHECK(n < PROXYPROTO_READ_MAX);
    if (taken < 0)
        FUZZ_CHECK(proxyproto_error_text((enum proxyproto_error)taken) != NULL);
    check_cuts(p, n, taken);
    if (taken <= 0 || !header.has_ends)
        return;
    check_again(&header, PROXYPROTO_V1);
    check_again(&header, PROXYPROTO_V2);
}
