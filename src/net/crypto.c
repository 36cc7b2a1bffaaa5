/* SPDX-License-Identifier: MIT */
#include "net/crypto.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static int
digest(uint8_t *out, const EVP_MD *kind, const struct str *texts, size_t count)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestInit_ex(context, kind, NULL) == 1;

    for (size_t i = 0; i < count && good; i++)
        good = EVP_DigestUpdate(context, texts[i].p, texts[i].len) == 1;
    good = good && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good ? 0 : -1;
}

int
crypto_sha1(uint8_t out[CRYPTO_SHA1_LEN], const struct str *texts, size_t count)
{
    return digest(out, EVP_sha1(), texts, count);
}

int
crypto_sha256(uint8_t out[CRYPTO_SHA256_LEN], const struct str *texts,
              size_t count)
{
    return digest(out, EVP_sha256(), texts, count);
}

int
crypto_sha512(uint8_t out[CRYPTO_SHA512_LEN], const struct str *texts,
              size_t count)
{
    return digest(out, EVP_sha512(), texts, count);
}

static const EVP_MD *
kind_of(enum crypto_digest digest)
{
    switch (digest) {
    case CRYPTO_SHA1:
        return EVP_sha1();
    case CRYPTO_SHA256:
        return EVP_sha256();
    case CRYPTO_SHA512:
        return EVP_sha512();
    }
    return NULL;
}

int
crypto_hmac(uint8_t *out, enum crypto_digest digest, struct str key,
            struct str text)
{
    bool good;

    /* No key at all would mean "the one before" to the library. */
    if (key.p == NULL || key.len > INT_MAX)
        return -1;
    good = HMAC(kind_of(digest), key.p, (int)key.len,
                (const unsigned char *)text.p, text.len, out, NULL) != NULL;
    ERR_clear_error();
    return good ? 0 : -1;
}

bool
crypto_equal(struct str a, struct str b)
{
    return a.len == b.len &&
           (a.len == 0 || CRYPTO_memcmp(a.p, b.p, a.len) == 0);
}

/* The public RSA key in PEM, or NULL. */
static EVP_PKEY *
read_key(struct str pem)
{
    EVP_PKEY *key = NULL;
    BIO *bio;

    if (pem.len > CRYPTO_PEM_MAX)
        return NULL;
    bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    if (bio != NULL)
        key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (key != NULL && EVP_PKEY_is_a(key, "RSA") &&
        EVP_PKEY_get_size(key) <= CRYPTO_RSA_MAX)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static ssize_t
encrypt(uint8_t *out, size_t cap, EVP_PKEY_CTX *context, struct str text)
{
    size_t len = cap;

    if (EVP_PKEY_encrypt_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_encrypt(context, out, &len, (const uint8_t *)text.p,
                         text.len) != 1)
        return -1;
    return (ssize_t)len;
}

ssize_t
crypto_rsa_encrypt(uint8_t *out, size_t cap, struct str pem, struct str text)
{
    EVP_PKEY *key = read_key(pem);
    EVP_PKEY_CTX *context = NULL;
    ssize_t len = -1;

    if (key != NULL && (size_t)EVP_PKEY_get_size(key) <= cap)
        context = EVP_PKEY_CTX_new(key, NULL);
    if (context != NULL)
        len = encrypt(out, cap, context, text);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return len;
}

void
crypto_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

const char *
crypto_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}
