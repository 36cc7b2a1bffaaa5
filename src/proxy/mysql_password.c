/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_password.h"

#include "codec/mysql_greeting.h"
#include "codec/mysql_switch.h"
#include "net/crypto.h"

enum {
    ED25519_CHALLENGE_LEN = 32,
};

enum mysql_plugin
mysql_plugin_find(struct str name)
{
    static const struct {
        struct str name;
        enum mysql_plugin plugin;
    } plugins[] = {
        {STR("mysql_native_password"), MYSQL_PLUGIN_NATIVE},
        {STR(MYSQL_SHA2_PLUGIN), MYSQL_PLUGIN_SHA2},
        {STR("client_ed25519"), MYSQL_PLUGIN_ED25519},
    };

    for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
        if (str_equal(plugins[i].name, name))
            return plugins[i].plugin;
    }
    return MYSQL_PLUGIN_OTHER;
}

static struct str
bytes_text(const uint8_t *p, size_t n)
{
    return str_make((const char *)p, n);
}

static void
mix(uint8_t *to, const uint8_t *with, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] ^= with[i];
}

/* SHA1(password) XOR SHA1(challenge, SHA1(SHA1(password))). */
static ssize_t
answer_native(uint8_t *out, struct str password, struct str challenge)
{
    uint8_t twice[CRYPTO_SHA1_LEN] = {0}, mask[CRYPTO_SHA1_LEN];
    struct str texts[] = {challenge, bytes_text(twice, sizeof(twice))};
    struct str once = bytes_text(out, CRYPTO_SHA1_LEN);

    if (crypto_sha1(out, &password, 1) < 0 ||
        crypto_sha1(twice, &once, 1) < 0 || crypto_sha1(mask, texts, 2) < 0)
        return -1;
    mix(out, mask, sizeof(mask));
    return CRYPTO_SHA1_LEN;
}

/* SHA256(password) XOR SHA256(SHA256(SHA256(password)), challenge). */
static ssize_t
answer_sha2(uint8_t *out, struct str password, struct str challenge)
{
    uint8_t twice[CRYPTO_SHA256_LEN] = {0}, mask[CRYPTO_SHA256_LEN];
    struct str texts[] = {bytes_text(twice, sizeof(twice)), challenge};
    struct str once = bytes_text(out, CRYPTO_SHA256_LEN);

    if (crypto_sha256(out, &password, 1) < 0 ||
        crypto_sha256(twice, &once, 1) < 0 || crypto_sha256(mask, texts, 2) < 0)
        return -1;
    mix(out, mask, sizeof(mask));
    return CRYPTO_SHA256_LEN;
}

static ssize_t
answer_ed25519(uint8_t *out, struct str password, struct str challenge)
{
    if (challenge.len < ED25519_CHALLENGE_LEN)
        return -1;
    challenge.len = ED25519_CHALLENGE_LEN;
    if (crypto_ed25519_sign(out, password, challenge) < 0)
        return -1;
    return CRYPTO_ED25519_SIGN_LEN;
}

ssize_t
mysql_password_answer(uint8_t out[MYSQL_ANSWER_MAX], enum mysql_plugin plugin,
                      struct str password, struct str challenge)
{
    if (plugin == MYSQL_PLUGIN_OTHER)
        return 0;
    /* This one signs with an empty password, too. */
    if (plugin == MYSQL_PLUGIN_ED25519)
        return answer_ed25519(out, password, challenge);
    /* No password: nothing, or the NUL that would end one. */
    if (password.len == 0) {
        out[0] = 0;
        return plugin == MYSQL_PLUGIN_SHA2 ? 1 : 0;
    }
    if (challenge.len < MYSQL_CHALLENGE_LEN)
        return -1;
    challenge.len = MYSQL_CHALLENGE_LEN;
    if (plugin == MYSQL_PLUGIN_NATIVE)
        return answer_native(out, password, challenge);
    return answer_sha2(out, password, challenge);
}

ssize_t
mysql_password_encrypt(uint8_t *out, size_t cap, struct str password,
                       struct str challenge, struct str pem)
{
    uint8_t mixed[MYSQL_PASSWORD_MAX + 1] = {0};
    size_t n = password.len + 1; /* with its NUL */
    ssize_t len;

    if (n > sizeof(mixed) || challenge.len < MYSQL_CHALLENGE_LEN)
        return -1;
    if (password.len > 0)
        memcpy(mixed, password.p, password.len);
    for (size_t i = 0; i < n; i++)
        mixed[i] ^= (uint8_t)challenge.p[i % MYSQL_CHALLENGE_LEN];
    len = crypto_rsa_encrypt(out, cap, pem, bytes_text(mixed, n));
    crypto_wipe(mixed, sizeof(mixed));
    return len;
}
