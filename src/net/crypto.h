/* SPDX-License-Identifier: MIT */
/*
 * Digests, encryption and signatures, by OpenSSL's libcrypto.
 */
#ifndef NET_CRYPTO_H
#define NET_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    CRYPTO_SHA1_LEN = 20,
    CRYPTO_SHA256_LEN = 32,
    CRYPTO_SHA512_LEN = 64,
    CRYPTO_RSA_MAX = 2048,        /* bytes of a modulus: 16384 bits */
    CRYPTO_PEM_MAX = 16384,       /* bytes of a key in PEM */
    CRYPTO_ED25519_KEY_LEN = 32,  /* bytes of a public key */
    CRYPTO_ED25519_SIGN_LEN = 64, /* bytes of a signature */
};

enum crypto_digest {
    CRYPTO_SHA1,
    CRYPTO_SHA256,
    CRYPTO_SHA512,
};

/* The digest of COUNT texts one behind the other. 0, or -1: no memory, or the
 * library's configuration forbids the digest. */
int crypto_sha1(uint8_t out[CRYPTO_SHA1_LEN], const struct str *texts,
                size_t count) MUST_CHECK;
int crypto_sha256(uint8_t out[CRYPTO_SHA256_LEN], const struct str *texts,
                  size_t count) MUST_CHECK;
int crypto_sha512(uint8_t out[CRYPTO_SHA512_LEN], const struct str *texts,
                  size_t count) MUST_CHECK;

/* HMAC (RFC 2104) of TEXT with KEY by one of the digests above. OUT has its
 * length. 0, or -1 as above. */
int crypto_hmac(uint8_t *out, enum crypto_digest digest, struct str key,
                struct str text) MUST_CHECK;

/* Whether two texts are the same, in a time that does not tell where they
 * differ. */
bool crypto_equal(struct str a, struct str b);

/* Encrypts TEXT for the owner of the RSA key PEM (a public one), by OAEP with
 * SHA-1. Returns how many bytes of OUT were set, or -1: no RSA key, the text
 * does not fit into it, or it is larger than CAP. */
ssize_t crypto_rsa_encrypt(uint8_t *out, size_t cap, struct str pem,
                           struct str text) MUST_CHECK;

/* Signs TEXT with the ed25519 key that SECRET, of any length, is hashed to (RFC
 * 8032, 5.1.6, where a secret has 32 bytes). 0 or -1. */
int crypto_ed25519_sign(uint8_t out[CRYPTO_ED25519_SIGN_LEN], struct str secret,
                        struct str text) MUST_CHECK;

/* Overwrites N bytes, whatever the compiler thinks of it. */
void crypto_wipe(void *p, size_t n);

/* "OpenSSL 3.0.17 1 Jul 2025", of the library in use. */
const char *crypto_version(void);

#endif
