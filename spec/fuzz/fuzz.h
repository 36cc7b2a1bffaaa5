/* SPDX-License-Identifier: MIT */
/*
 * The harnesses, one a codec. Each takes any bytes, feeds them to its codec in
 * several ways, and aborts where a promise of the codec's header is broken.
 * libFuzzer calls them through entry.c, the replay spec through replay.c.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/str.h"

enum {
    FUZZ_EACH_CUT_MAX = 160, /* bytes up to which every cut is tried */
};

/* Aborts with the words of what does not hold. */
#define FUZZ_CHECK(holds)                                               \
    do {                                                                \
        if (!(holds)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds); \
            abort();                                                    \
        }                                                               \
    } while (0)

/* A copy of N bytes with nothing readable behind it, as the sanitizer sees. */
static inline uint8_t *
fuzz_copy(const void *p, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);

    FUZZ_CHECK(copy != NULL);
    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

/* Does TEXT lie in the N bytes at P? */
static inline bool
fuzz_inside(struct str text, const uint8_t *p, size_t n)
{
    const char *start = (const char *)p;

    return text.p >= start && text.len <= n &&
           (size_t)(text.p - start) <= n - text.len;
}

/* Reads a head from N bytes, of which SEEN were there before: the bytes taken,
 * 0 for not enough yet, or an error. */
typedef ssize_t (*fuzz_read_fn)(const uint8_t *p, size_t n, size_t seen);

/* A cut at CUT must not change what the whole came to, which is GOT. */
static inline void
fuzz_check_cut(fuzz_read_fn read, const uint8_t *p, size_t n, size_t cut,
               ssize_t got)
{
    uint8_t *copy = fuzz_copy(p, cut);
    ssize_t first = read(copy, cut, 0), second;

    free(copy);
    if (first != 0) {
        FUZZ_CHECK(first == got);
        return;
    }
    FUZZ_CHECK(got <= 0 || (size_t)got > cut);
    if (cut == 0)
        return;
    second = read(p, n, cut);
    FUZZ_CHECK(second == got || (second == 0 && got < 0));
}

/* Every cut of a short input; one that the bytes choose of a long one. */
static inline void
fuzz_check_cuts(fuzz_read_fn read, const uint8_t *p, size_t n, ssize_t got)
{
    if (n > FUZZ_EACH_CUT_MAX) {
        fuzz_check_cut(read, p, n, (size_t)(p[0] << 8 | p[1]) % n, got);
        return;
    }
    for (size_t cut = 0; cut < n; cut++)
        fuzz_check_cut(read, p, n, cut, got);
}

void fuzz_answer(const uint8_t *p, size_t n);
void fuzz_base64(const uint8_t *p, size_t n);
void fuzz_cgi(const uint8_t *p, size_t n);
void fuzz_chunked(const uint8_t *p, size_t n);
void fuzz_cookie(const uint8_t *p, size_t n);
void fuzz_etag(const uint8_t *p, size_t n);
void fuzz_fcgi(const uint8_t *p, size_t n);
void fuzz_http1(const uint8_t *p, size_t n);
void fuzz_httpdate(const uint8_t *p, size_t n);
void fuzz_mysql(const uint8_t *p, size_t n);
void fuzz_mysqlfollow(const uint8_t *p, size_t n);
void fuzz_mysqlframer(const uint8_t *p, size_t n);
void fuzz_mysqllogin(const uint8_t *p, size_t n);
void fuzz_mysqlwatch(const uint8_t *p, size_t n);
void fuzz_mysqlwords(const uint8_t *p, size_t n);
void fuzz_proxyproto(const uint8_t *p, size_t n);
void fuzz_range(const uint8_t *p, size_t n);
void fuzz_uri(const uint8_t *p, size_t n);

#endif
