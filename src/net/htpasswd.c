/* SPDX-License-Identifier: MIT */
/*
 * $apr1$SALT$HASH: Apache's variant of the MD5 crypt of FreeBSD, a thousand
 * rounds over password and salt (Apache's apr_md5.c describes it).
 */
#include "net/htpasswd.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/base64.h"
#include "net/crypto.h"

enum {
    PASSWORD_MAX = 256, /* bytes that are looked at */
    SECRET_MAX = 256,
    MD5_LEN = 16,
    SALT_MAX = 8,
    ROUNDS = 1000,
    APR1_LEN = 22, /* letters of the hash */

    /* What hashes cost on a machine of today. */
    BCRYPT_ROUND_US = 45,
    BCRYPT_POWER_MAX = 31,
    YESCRYPT_BLOCKS_US = 5, /* so many, of the least size, in one */
    SHA_ROUNDS = 5000,      /* where none are written */
    SHA_ROUNDS_MAX = 999999999,
    OTHER_US = 50000, /* scrypt, for instance */
};

static const char LETTERS[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz";

/* --- $apr1$ --------------------------------------------------------------- */

static bool
md5(uint8_t out[MD5_LEN], const struct buf *text)
{
    return !text->failed &&
           EVP_Digest(text->p, text->len, out, NULL, EVP_md5(), NULL) == 1;
}

/* The first digest, which the rounds begin with. */
static bool
begin(uint8_t out[MD5_LEN], struct str password, struct str salt)
{
    char memory[4 * PASSWORD_MAX];
    uint8_t inner[MD5_LEN];
    struct buf b;

    buf_init(&b, memory, sizeof(memory));
    buf_str(&b, password);
    buf_str(&b, salt);
    buf_str(&b, password);
    if (!md5(inner, &b))
        return false;
    buf_reset(&b);
    buf_str(&b, password);
    buf_str(&b, STR("$apr1$"));
    buf_str(&b, salt);
    for (size_t left = password.len; left > 0;) {
        size_t n = left < MD5_LEN ? left : MD5_LEN;

        buf_add(&b, inner, n);
        left -= n;
    }
    for (size_t n = password.len; n > 0; n >>= 1)
        buf_char(&b, (n & 1) != 0 ? '\0' : password.p[0]);
    return md5(out, &b);
}

static bool
run_round(uint8_t digest[MD5_LEN], unsigned i, struct str password,
          struct str salt)
{
    char memory[3 * PASSWORD_MAX];
    struct buf b;

    buf_init(&b, memory, sizeof(memory));
    if ((i & 1) != 0)
        buf_str(&b, password);
    else
        buf_add(&b, digest, MD5_LEN);
    if (i % 3 != 0)
        buf_str(&b, salt);
    if (i % 7 != 0)
        buf_str(&b, password);
    if ((i & 1) != 0)
        buf_add(&b, digest, MD5_LEN);
    else
        buf_str(&b, password);
    return md5(digest, &b);
}

static void
put_letters(struct buf *out, unsigned n, unsigned count)
{
    for (; count > 0; count--) {
        buf_char(out, LETTERS[n & 63]);
        n >>= 6;
    }
}

static void
write_apr1(struct buf *out, const uint8_t d[MD5_LEN])
{
    static const uint8_t order[5][3] = {
        {0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}};

    for (unsigned i = 0; i < 5; i++)
        put_letters(out,
                    (unsigned)d[order[i][0]] << 16 |
                        (unsigned)d[order[i][1]] << 8 | d[order[i][2]],
                    4);
    put_letters(out, d[11], 2);
}

static bool
matches_apr1(struct str rest, struct str password)
{
    ptrdiff_t end = str_find_char(rest, '$', 0);
    char memory[APR1_LEN + 1];
    uint8_t digest[MD5_LEN];
    struct buf hash;
    struct str salt;

    if (end < 0)
        return false;
    salt = str_slice(rest, 0, (size_t)end < SALT_MAX ? (size_t)end : SALT_MAX);
    if (!begin(digest, password, salt))
        return false;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!run_round(digest, i, password, salt))
            return false;
    }
    buf_init(&hash, memory, sizeof(memory));
    write_apr1(&hash, digest);
    return crypto_equal(buf_text(&hash),
                        str_slice(rest, (size_t)end + 1, rest.len));
}

/* --- the others ----------------------------------------------------------- */

static bool
matches_sha(struct str rest, struct str password)
{
    char text[32];
    uint8_t digest[CRYPTO_SHA1_LEN];

    if (crypto_sha1(digest, &password, 1) < 0)
        return false;
    return crypto_equal(
        str_make(text, base64_encode(text, digest, sizeof(digest), false)),
        rest);
}

static bool
matches_crypt(struct str secret, struct str password)
{
    char key[PASSWORD_MAX + 1];
    char setting[SECRET_MAX + 1];
    struct crypt_data *data = calloc(1, sizeof(*data));
    const char *hash = NULL;
    bool matches;

    if (data == NULL || secret.len > SECRET_MAX) {
        free(data);
        return false;
    }
    memcpy(key, password.p, password.len);
    key[password.len] = '\0';
    memcpy(setting, secret.p, secret.len);
    setting[secret.len] = '\0';
    hash = crypt_r(key, setting, data);
    matches =
        hash != NULL && hash[0] != '*' && crypto_equal(str_from(hash), secret);
    explicit_bzero(key, sizeof(key));
    free(data);
    return matches;
}

bool
htpasswd_matches(struct str secret, struct str password)
{
    struct str apr1 = STR("$apr1$");
    struct str sha = STR("{SHA}");

    if (password.len == 0 || password.len > PASSWORD_MAX ||
        memchr(password.p, '\0', password.len) != NULL)
        return false;
    if (str_starts_with(secret, apr1))
        return matches_apr1(str_slice(secret, apr1.len, secret.len), password);
    if (str_starts_with(secret, sha))
        return matches_sha(str_slice(secret, sha.len, secret.len), password);
    if (secret.len > 0 && secret.p[0] == '$')
        return matches_crypt(secret, password);
    return crypto_equal(secret, password);
}

/* --- what they cost ------------------------------------------------------- */

/* The number that a letter of crypt's stands for; of others 0. */
static unsigned
letter_value(char c)
{
    const char *at = c == '\0' ? NULL : strchr(LETTERS, c);

    return at == NULL ? 0 : (unsigned)(at - LETTERS);
}

/* "12$..." of bcrypt: two to the power of that many rounds. */
static uint64_t
bcrypt_cost_us(struct str rest)
{
    uint64_t power;

    if (str_to_uint(&power, str_slice(rest, 0, 2), BCRYPT_POWER_MAX) < 0)
        return 1;
    return (uint64_t)BCRYPT_ROUND_US << power;
}

/* "j9T$..." of yescrypt: how it goes, how many blocks, as a power of two, and
 * how large they are, each a letter. */
static uint64_t
yescrypt_cost_us(struct str rest)
{
    uint64_t blocks;

    if (rest.len < 3)
        return 1;
    blocks = (uint64_t)1 << (letter_value(rest.p[1]) % 32 + 1);
    return blocks * (letter_value(rest.p[2]) + 1) / YESCRYPT_BLOCKS_US;
}

/* "rounds=N$..." of SHA-crypt, or what there is without. */
static uint64_t
sha_crypt_cost_us(struct str rest)
{
    struct str word = STR("rounds=");
    ptrdiff_t end = str_find_char(rest, '$', 0);
    uint64_t rounds = SHA_ROUNDS;

    if (str_starts_with(rest, word) && end > 0 &&
        str_to_uint(&rounds, str_slice(rest, word.len, (size_t)end),
                    SHA_ROUNDS_MAX) < 0)
        rounds = SHA_ROUNDS;
    return rounds / 2;
}

uint64_t
htpasswd_cost_us(struct str secret)
{
    static const struct {
        struct str prefix;
        uint64_t (*cost_us)(struct str rest);
    } kinds[] = {
        {{"$2a$", 4}, bcrypt_cost_us},   {{"$2b$", 4}, bcrypt_cost_us},
        {{"$2y$", 4}, bcrypt_cost_us},   {{"$y$", 3}, yescrypt_cost_us},
        {{"$gy$", 4}, yescrypt_cost_us}, {{"$5$", 3}, sha_crypt_cost_us},
        {{"$6$", 3}, sha_crypt_cost_us},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct str prefix = kinds[i].prefix;

        if (str_starts_with(secret, prefix))
            return kinds[i].cost_us(str_slice(secret, prefix.len, secret.len));
    }
    if (str_starts_with(secret, STR("$apr1$")) ||
        str_starts_with(secret, STR("$1$")))
        return ROUNDS;
    return secret.len > 0 && secret.p[0] == '$' ? OTHER_US : 1;
}
