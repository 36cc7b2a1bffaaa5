/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

#include <string.h>

enum {
    ROUNDS_WORD = 2,
    ROUNDS_END = 4,
};

struct state {
    uint64_t v0;
    uint64_t v1;
    uint64_t v2;
    uint64_t v3;
};

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void
mix(struct state *s, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static inline void
add_word(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s, ROUNDS_WORD);
    s->v0 ^= word;
}

/* Up to eight bytes, the first one lowest. */
static inline uint64_t
read_word(const uint8_t *p, size_t n)
{
    uint64_t word = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (n == sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        return word;
    }
#endif
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

uint64_t
siphash(const struct siphash_key *key, const void *p, size_t n)
{
    struct state s = {
        .v0 = key->k[0] ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k[1] ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k[0] ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k[1] ^ UINT64_C(0x7465646279746573),
    };
    const uint8_t *at = p;
    size_t left = n;

    for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
        add_word(&s, read_word(at, sizeof(uint64_t)));
        at += sizeof(uint64_t);
    }
    add_word(&s, (uint64_t)n << 56 | read_word(at, left));
    s.v2 ^= 0xff;
    mix(&s, ROUNDS_END);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
