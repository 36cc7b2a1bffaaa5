/* SPDX-License-Identifier: MIT */
#include "codec/base64.h"

static const char standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t
base64_encode(char *out, const uint8_t *p, size_t n, bool url)
{
    const char *digits = url ? for_urls : standard;
    char *to = out;

    for (; n >= 3; n -= 3, p += 3) {
        *to++ = digits[p[0] >> 2];
        *to++ = digits[(p[0] & 3) << 4 | p[1] >> 4];
        *to++ = digits[(p[1] & 15) << 2 | p[2] >> 6];
        *to++ = digits[p[2] & 63];
    }
    if (n == 0)
        return (size_t)(to - out);
    *to++ = digits[p[0] >> 2];
    if (n == 1) {
        *to++ = digits[(p[0] & 3) << 4];
    } else {
        *to++ = digits[(p[0] & 3) << 4 | p[1] >> 4];
        *to++ = digits[(p[1] & 15) << 2];
    }
    for (; !url && n < 3; n++)
        *to++ = '=';
    return (size_t)(to - out);
}

/* The six bits of a digit, or -1. */
static int
value_of(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}

/* Without the padding, of which there may be two at the end of a fourth byte;
 * -1: it is not as it has to be. */
static ssize_t
unpadded_len(const char *p, size_t n, bool url)
{
    size_t len = n;

    while (len > 0 && n - len < 2 && p[len - 1] == '=')
        len--;
    if (n % 4 != 0 && (len != n || !url))
        return -1;
    return len % 4 == 1 ? -1 : (ssize_t)len;
}

ssize_t
base64_decode(uint8_t *out, const char *p, size_t n, bool url)
{
    ssize_t len = unpadded_len(p, n, url);
    uint8_t *to = out;
    uint32_t bits = 0;
    unsigned count = 0; /* of the bits that are not used yet */

    for (ssize_t i = 0; i < len; i++) {
        int value = value_of(p[i], url);

        if (value < 0)
            return -1;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        *to++ = (uint8_t)(bits >> count);
    }
    if (len < 0 || (bits & ((1U << count) - 1)) != 0)
        return -1;
    return to - out;
}
