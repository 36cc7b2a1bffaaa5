/* SPDX-License-Identifier: MIT */
/*
 * SipHash-2-4 (Aumasson and Bernstein 2012): a hash of bytes under a secret
 * key, for tables whose keys come from clients, who could otherwise make all of
 * them fall into one place.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k[2]; /* as two little-endian words of the 16 bytes */
};

uint64_t siphash(const struct siphash_key *key, const void *p, size_t n);

#endif
