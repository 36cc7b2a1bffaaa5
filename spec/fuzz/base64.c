/* SPDX-License-Identifier: MIT */
/*
 * Base64: what is encoded is read again, and what is read is what encoding it
 * writes, but for the padding that section 5 leaves open.
 */
#include "codec/base64.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void
try_bytes(const uint8_t *p, size_t n, bool url)
{
    char *text = malloc(base64_encoded_len(n) + 1);
    size_t len = base64_encode(text, p, n, url);
    uint8_t *bytes = malloc(base64_decoded_len(len) + 1);

    FUZZ_CHECK(len <= base64_encoded_len(n));
    FUZZ_CHECK(base64_decode(bytes, text, len, url) == (ssize_t)n);
    FUZZ_CHECK(n == 0 || memcmp(bytes, p, n) == 0);
    free(bytes);
    free(text);
}

static void
try_text(const char *p, size_t n, bool url)
{
    uint8_t *bytes = malloc(base64_decoded_len(n) + 1);
    ssize_t got = base64_decode(bytes, p, n, url);
    char *text = malloc(base64_encoded_len(n) + 1);
    size_t len;

    if (got >= 0) {
        FUZZ_CHECK((size_t)got <= base64_decoded_len(n));
        len = base64_encode(text, bytes, (size_t)got, url);
        FUZZ_CHECK(len <= n && (url || len == n));
        FUZZ_CHECK(len == 0 || memcmp(text, p, len) == 0);
    }
    free(text);
    free(bytes);
}

void
fuzz_base64(const uint8_t *p, size_t n)
{
    for (int url = 0; url < 2; url++) {
        try_bytes(p, n, url != 0);
        try_text((const char *)p, n, url != 0);
    }
}
