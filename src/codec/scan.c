/* SPDX-License-Identifier: MIT */
/*
 * The tables behind scan.h, and the question whether a head that is still
 * coming deserves another reading.
 */
#include "codec/scan.h"

/* Bytes that share all their kinds share a letter. */
#define V SCAN_VALUE            /* value alone */
#define T (V | SCAN_TOKEN)      /* token: # % ^ ` | */
#define P (V | SCAN_PATH)       /* path: ( ) , / : ; = @ */
#define B (T | P)               /* both: ! $ & ' * + */
#define A (B | SCAN_UNRESERVED) /* a-z 0-9 . ~ */
#define U (A | SCAN_METHOD)     /* A-Z - */
#define S (U | SCAN_UNDERSCORE) /* _ */

/* clang-format off */
const uint8_t scan_kinds[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0, /* 00: tab */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 10 */
    V, B, V, T, B, T, B, B, P, P, B, B, P, U, A, P, /* 20: !"#$%&'()*+,-./ */
    A, A, A, A, A, A, A, A, A, A, P, P, V, P, V, V, /* 30: 0123456789:;<=>? */
    P, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, /* 40: @ABCDEFGHIJKLMNO */
    U, U, U, U, U, U, U, U, U, U, U, V, V, V, T, S, /* 50: PQRSTUVWXYZ[\]^_ */
    T, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* 60: `abcdefghijklmno */
    A, A, A, A, A, A, A, A, A, A, A, V, T, V, A, 0, /* 70: pqrstuvwxyz{|}~ */
    V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, /* 80: obs-text */
    V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, /* 90 */
    V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, /* a0 */
    V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, /* b0 */
    V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, /* c0 */
    V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, /* d0 */
    V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, /* e0 */
    V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, /* f0 */
};

#undef V
#undef T
#undef P
#undef B
#undef A
#undef U
#undef S

#define N 0xff
const uint8_t scan_hex[256] = {
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, N, N, N, N, N, N,
    N, 10, 11, 12, 13, 14, 15, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, 10, 11, 12, 13, 14, 15, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
};
#undef N
/* clang-format on */

bool
scan_head_may_end(const uint8_t *p, size_t n, size_t seen)
{
    while (seen < n) {
        const uint8_t *lf = memchr(p + seen, '\n', n - seen);
        size_t at;

        if (lf == NULL)
            return false;
        at = (size_t)(lf - p);
        if (at < 2 || p[at - 1] != '\r' || p[at - 2] == '\n')
            return true;
        seen = at + 1;
    }
    return false;
}
