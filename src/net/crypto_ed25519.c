/* SPDX-License-Identifier: MIT */
/*
 * Signatures of ed25519 with a secret of any length, as MariaDB's plugin makes
 * them of passwords. OpenSSL signs with secrets of 32 bytes only, but knows how
 * to multiply points of a curve in Weierstrass's form, y^2 = x^3 + ax + b; the
 * curve of ed25519 has one. The way of a point back to ed25519's form:
 *
 *      (x, y) ─▶ u = x - A/3, v = y ─▶ (s u / v, (u - 1) / (u + 1))
 *      Weierstrass  Montgomery          Edwards, with s^2 = -(A + 2)
 *
 * and A = 486662 (RFC 7748, section 4.1).
 */
#include "net/crypto.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

enum {
    NUMBER_LEN = 32, /* bytes of a number below p */
};

/* What a curve is made of, and the numbers above. */
struct curve {
    BIGNUM *p, *a, *b;        /* the field, the equation */
    BIGNUM *x, *y, *order;    /* the base point, and its order */
    BIGNUM *cofactor;         /* 8 */
    BIGNUM *third, *s;        /* A/3, s */
    BIGNUM *u, *v, *over, *t; /* for what is being computed */
    BN_CTX *context;
    EC_GROUP *group;
    EC_POINT *point;
};

static const struct {
    size_t at;
    const char *digits;
} numbers[] = {
    {offsetof(struct curve, p),
     "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed"},
    {offsetof(struct curve, a),
     "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa984914a144"},
    {offsetof(struct curve, b),
     "7b425ed097b425ed097b425ed097b425ed097b425ed097b4260b5e9c7710c864"},
    {offsetof(struct curve, x),
     "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad245a"},
    {offsetof(struct curve, y),
     "5f51e65e475f794b1fe122d388b72eb36dc2b28192839e4dd6163a5d81312c14"},
    {offsetof(struct curve, order),
     "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed"},
    {offsetof(struct curve, cofactor), "8"},
    {offsetof(struct curve, third),
     "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad2451"},
    {offsetof(struct curve, s),
     "0f26edf460a006bbd27b08dc03fc4f7ec5a1d3d14b7d1a82cc6e04aaff457e06"},
    {offsetof(struct curve, u), "0"},
    {offsetof(struct curve, v), "0"},
    {offsetof(struct curve, over), "0"},
    {offsetof(struct curve, t), "0"},
};

static BIGNUM **
number_at(struct curve *curve, size_t i)
{
    return (BIGNUM **)(void *)((char *)curve + numbers[i].at);
}

static void
curve_fini(struct curve *curve)
{
    EC_POINT_free(curve->point);
    EC_GROUP_free(curve->group);
    BN_CTX_free(curve->context);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        BN_clear_free(*number_at(curve, i));
}

static bool
curve_init(struct curve *curve)
{
    *curve = (struct curve){.p = NULL};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (BN_hex2bn(number_at(curve, i), numbers[i].digits) == 0)
            return false;
    }
    curve->context = BN_CTX_new();
    if (curve->context == NULL)
        return false;
    curve->group =
        EC_GROUP_new_curve_GFp(curve->p, curve->a, curve->b, curve->context);
    if (curve->group == NULL)
        return false;
    curve->point = EC_POINT_new(curve->group);
    return curve->point != NULL &&
           EC_POINT_set_affine_coordinates(curve->group, curve->point, curve->x,
                                           curve->y, curve->context) == 1 &&
           EC_GROUP_set_generator(curve->group, curve->point, curve->order,
                                  curve->cofactor) == 1;
}

/* curve->point as ed25519 writes it: its y, and the lowest bit of its x. */
static bool
encode_point(uint8_t out[NUMBER_LEN], struct curve *curve)
{
    const BIGNUM *p = curve->p;
    BN_CTX *context = curve->context;
    BIGNUM *u = curve->u, *v = curve->v, *over = curve->over, *t = curve->t;

    if (EC_POINT_get_affine_coordinates(curve->group, curve->point, u, v,
                                        context) != 1 ||
        BN_mod_sub(u, u, curve->third, p, context) != 1 ||
        BN_mod_inverse(over, v, p, context) == NULL ||
        BN_mod_mul(v, u, over, p, context) != 1 ||
        BN_mod_mul(v, v, curve->s, p, context) != 1)
        return false;
    if (BN_copy(t, u) == NULL || BN_add_word(t, 1) != 1 ||
        BN_mod_inverse(over, t, p, context) == NULL ||
        BN_mod_sub(u, u, BN_value_one(), p, context) != 1 ||
        BN_mod_mul(u, u, over, p, context) != 1 ||
        BN_bn2lebinpad(u, out, NUMBER_LEN) != NUMBER_LEN)
        return false;
    if (BN_is_odd(v))
        out[NUMBER_LEN - 1] |= 0x80;
    return true;
}

/* OUT = FACTOR times the base point. */
static bool
multiply_base(uint8_t out[NUMBER_LEN], struct curve *curve,
              const BIGNUM *factor)
{
    return EC_POINT_mul(curve->group, curve->point, factor, NULL, NULL,
                        curve->context) == 1 &&
           encode_point(out, curve);
}

/* The digest of COUNT texts as a number below the order. */
static bool
hash_number(BIGNUM *out, struct curve *curve, const struct str *texts,
            size_t count)
{
    uint8_t hash[CRYPTO_SHA512_LEN];
    bool good = crypto_sha512(hash, texts, count) == 0 &&
                BN_lebin2bn(hash, sizeof(hash), out) != NULL &&
                BN_nnmod(out, out, curve->order, curve->context) == 1;

    crypto_wipe(hash, sizeof(hash));
    return good;
}

static bool
sign(uint8_t out[CRYPTO_ED25519_SIGN_LEN], struct curve *curve,
     uint8_t expanded[CRYPTO_SHA512_LEN], struct str text)
{
    uint8_t public[CRYPTO_ED25519_KEY_LEN];
    BIGNUM *secret = BN_secure_new(), *once = BN_secure_new();
    BIGNUM *product = BN_secure_new();
    const struct str seed[] = {
        str_make((const char *)expanded + NUMBER_LEN, NUMBER_LEN), text};
    const struct str signed_texts[] = {
        str_make((const char *)out, NUMBER_LEN),
        str_make((const char *)public, sizeof(public)), text};
    bool good;

    expanded[0] &= 0xf8;
    expanded[31] = (uint8_t)((expanded[31] & 0x7f) | 0x40);
    good =
        secret != NULL && once != NULL && product != NULL &&
        BN_lebin2bn(expanded, NUMBER_LEN, secret) != NULL &&
        multiply_base(public, curve, secret) &&
        hash_number(once, curve, seed, 2) && multiply_base(out, curve, once) &&
        hash_number(product, curve, signed_texts, 3) &&
        BN_mod_mul(product, product, secret, curve->order, curve->context) ==
            1 &&
        BN_mod_add(product, product, once, curve->order, curve->context) == 1 &&
        BN_bn2lebinpad(product, out + NUMBER_LEN, NUMBER_LEN) == NUMBER_LEN;
    BN_clear_free(secret);
    BN_clear_free(once);
    BN_clear_free(product);
    return good;
}

int
crypto_ed25519_sign(uint8_t out[CRYPTO_ED25519_SIGN_LEN], struct str secret,
                    struct str text)
{
    uint8_t expanded[CRYPTO_SHA512_LEN];
    struct curve curve;
    bool good = curve_init(&curve) &&
                crypto_sha512(expanded, &secret, 1) == 0 &&
                sign(out, &curve, expanded, text);

    curve_fini(&curve);
    crypto_wipe(expanded, sizeof(expanded));
    ERR_clear_error();
    return good ? 0 : -1;
}
