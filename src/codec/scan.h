/* SPDX-License-Identifier: MIT */
/*
 * What the text codecs share: kinds of bytes, and the search for the byte that
 * ends a piece, 16 bytes at a time where the machine can. No byte at or after
 * END is ever read.
 */
#ifndef CODEC_SCAN_H
#define CODEC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum scan_kind {
    SCAN_TOKEN = 1,       /* tchar of RFC 9110, 5.6.2 */
    SCAN_VALUE = 2,       /* may stand in a field value: no control but tab */
    SCAN_METHOD = 4,      /* A-Z, '-' and '_': what methods are made of here */
    SCAN_UNRESERVED = 8,  /* RFC 3986, 2.3 */
    SCAN_PATH = 16,       /* pchar of RFC 3986, 3.3, without '%', and '/' */
    SCAN_UNDERSCORE = 32, /* '_' */
};

extern const uint8_t scan_kinds[256];

/* 0 to 15 for a hex digit, 0xff for other bytes. */
extern const uint8_t scan_hex[256];

static inline bool
scan_is(uint8_t c, enum scan_kind kind)
{
    return (scan_kinds[c] & kind) != 0;
}

/* The first byte of P to END that is not of this KIND, or END. */
static inline const uint8_t *
scan_over(const uint8_t *p, const uint8_t *end, enum scan_kind kind)
{
    while (p < end && scan_is(*p, kind))
        p++;
    return p;
}

/* The first byte that is no space and no tab, or END. */
static inline const uint8_t *
scan_blank(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

#ifdef __SSE2__
/* A mask of those of 16 bytes that are at most LIMIT, or DEL. */
static inline unsigned
scan_low_16(__m128i bytes, uint8_t limit)
{
    const __m128i top = _mm_set1_epi8((char)limit);
    const __m128i del = _mm_set1_epi8(0x7f);
    __m128i low = _mm_cmpeq_epi8(_mm_max_epu8(bytes, top), top);

    low = _mm_or_si128(low, _mm_cmpeq_epi8(bytes, del));
    return (unsigned)_mm_movemask_epi8(low);
}
#endif

/* The end of a field value: the first control byte but tab, or END. */
static inline const uint8_t *
scan_value(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
    const __m128i tab = _mm_set1_epi8('\t');

    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned tabs = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, tab));
        unsigned found = scan_low_16(bytes, 0x1f) & ~tabs;

        if (found != 0)
            return p + __builtin_ctz(found);
    }
#endif
    return scan_over(p, end, SCAN_VALUE);
}

/* The end of a request target: the first space, control byte or DEL, or END. */
static inline const uint8_t *
scan_target(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned found = scan_low_16(bytes, 0x20);

        if (found != 0)
            return p + __builtin_ctz(found);
    }
#endif
    while (p<end && * p> 0x20 && *p != 0x7f)
        p++;
    return p;
}

/* The text from P to before END. */
static inline struct str
scan_text(const uint8_t *p, const uint8_t *end)
{
    return str_make((const char *)p, (size_t)(end - p));
}

/* The same without spaces and tabs at its end. */
static inline struct str
scan_trimmed(const uint8_t *p, const uint8_t *end)
{
    while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return scan_text(p, end);
}

/* Is C a hex digit? */
static inline bool
scan_is_hex(uint8_t c)
{
    return scan_hex[c] != 0xff;
}

/* May an end of a head lie in the bytes from SEEN on, so that it is worth
 * reading again? So it is where one of them is an LF that ends an empty line,
 * or that has no CR before it. */
bool scan_head_may_end(const uint8_t *p, size_t n, size_t seen);

#endif
