/* SPDX-License-Identifier: MIT */
#include "app/stats_auth.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "codec/base64.h"
#include "net/crypto.h"
#include "net/htpasswd.h"

enum {
    HEADER_MAX = 1024, /* bytes of an Authorization that are looked at */
    FREE_GUESSES = 3,  /* before one has to wait */
    WAIT_MAX_S = 60,
};

int
stats_auth_init(struct stats_auth *a)
{
    *a = (struct stats_auth){.next_known = 0};
    return getrandom(a->key, sizeof(a->key), 0) == (ssize_t)sizeof(a->key) ? 0
                                                                           : -1;
}

void
stats_auth_forget(struct stats_auth *a)
{
    memset(a->known, 0, sizeof(a->known));
}

static bool
sign(const struct stats_auth *a, uint8_t out[STATS_DIGEST_LEN], struct str text)
{
    return crypto_hmac(out, CRYPTO_SHA256,
                       str_make((const char *)a->key, sizeof(a->key)),
                       text) == 0;
}

/* --- who was right before ------------------------------------------------- */

static bool
is_known(const struct stats_auth *a, const struct stats_conf *conf,
         const uint8_t digest[STATS_DIGEST_LEN])
{
    for (unsigned i = 0; i < STATS_KNOWN_MAX; i++) {
        if (a->known[i].conf == conf &&
            crypto_equal(
                str_make((const char *)a->known[i].digest, STATS_DIGEST_LEN),
                str_make((const char *)digest, STATS_DIGEST_LEN)))
            return true;
    }
    return false;
}

static void
remember(struct stats_auth *a, const struct stats_conf *conf,
         const uint8_t digest[STATS_DIGEST_LEN])
{
    unsigned i = a->next_known++ % STATS_KNOWN_MAX;

    memcpy(a->known[i].digest, digest, STATS_DIGEST_LEN);
    a->known[i].conf = conf;
}

/* --- who guesses ---------------------------------------------------------- */

/* Its place; or that of who has to wait least, which is made free. */
static unsigned
find_guesser(struct stats_auth *a, const struct addr *addr)
{
    unsigned least = 0;

    for (unsigned i = 0; i < STATS_GUESSERS_MAX; i++) {
        if (a->guessers[i].failures > 0 &&
            addr_equal_host(&a->guessers[i].addr, addr))
            return i;
        if (a->guessers[i].until_ms < a->guessers[least].until_ms)
            least = i;
    }
    a->guessers[least].failures = 0;
    a->guessers[least].until_ms = 0;
    a->guessers[least].addr = *addr;
    return least;
}

static void
note_failure(struct stats_auth *a, const struct stats_conf *conf,
             const struct addr *addr, unsigned guesser)
{
    unsigned failures = ++a->guessers[guesser].failures;
    uint64_t wait_s = 0;
    char text[ADDR_TEXT_MAX];

    if (failures >= FREE_GUESSES)
        wait_s = failures - FREE_GUESSES < 6 ? 1U << (failures - FREE_GUESSES)
                                             : WAIT_MAX_S;
    a->guessers[guesser].until_ms = clock_ms() + wait_s * 1000;
    log_warn(
        "stats " STR_FMT ": a wrong user or password client=%s failures=%u",
        STR_ARG(conf->name), addr_format(addr, text, sizeof(text)), failures);
}

/* --- the check ------------------------------------------------------------ */

/* "Basic dXNlcjpwYXNz" to "user:pass". */
static bool
decode(struct str authorization, char out[HEADER_MAX], struct str *user,
       struct str *password)
{
    struct str basic = STR("Basic ");
    struct str rest;
    ptrdiff_t colon;
    ssize_t len;

    if (authorization.len <= basic.len || authorization.len > HEADER_MAX ||
        !str_equal_nocase(str_slice(authorization, 0, basic.len), basic))
        return false;
    rest = str_trim(str_slice(authorization, basic.len, authorization.len));
    len = base64_decode((uint8_t *)out, rest.p, rest.len, false);
    if (len < 0)
        return false;
    colon = str_find_char(str_make(out, (size_t)len), ':', 0);
    if (colon < 0 || colon > STATS_USER_MAX)
        return false;
    *user = str_make(out, (size_t)colon);
    *password = str_make(out + colon + 1, (size_t)(len - colon - 1));
    return true;
}

/* One whose name nobody has costs as much as a wrong password. */
static bool
matches(const struct stats_conf *conf, struct str user, struct str password)
{
    struct str secret = conf->auths[0].secret;
    bool found = false;

    for (size_t i = 0; i < conf->auth_count; i++) {
        if (crypto_equal(conf->auths[i].user, user)) {
            secret = conf->auths[i].secret;
            found = true;
        }
    }
    return htpasswd_matches(secret, password) && found;
}

enum stats_verdict
stats_auth_check(struct stats_auth *a, const struct stats_conf *conf,
                 const struct addr *addr, struct str authorization, char *user)
{
    uint8_t digest[STATS_DIGEST_LEN];
    char text[HEADER_MAX];
    struct str password;
    struct str name;
    unsigned guesser;
    bool right;

    user[0] = '\0';
    if (conf->auth_count == 0)
        return STATS_LET_IN;
    if (!decode(authorization, text, &name, &password) ||
        !sign(a, digest, authorization))
        return STATS_ASK;
    right = is_known(a, conf, digest);
    if (!right) {
        guesser = find_guesser(a, addr);
        if (a->guessers[guesser].until_ms > clock_ms()) {
            explicit_bzero(text, sizeof(text));
            return STATS_WAIT;
        }
        right = matches(conf, name, password);
        if (right) {
            a->guessers[guesser].failures = 0;
            remember(a, conf, digest);
        } else {
            note_failure(a, conf, addr, guesser);
        }
    }
    if (right)
        (void)snprintf(user, STATS_USER_MAX + 1, STR_FMT, STR_ARG(name));
    explicit_bzero(text, sizeof(text));
    return right ? STATS_LET_IN : STATS_ASK;
}

void
stats_auth_token(const struct stats_auth *a, const struct stats_conf *conf,
                 const char *user, char token[STATS_TOKEN_LEN + 1])
{
    uint8_t digest[STATS_DIGEST_LEN] = {0};
    char text[STATS_USER_MAX + CONFIG_NAME_MAX + 8];
    struct buf b;

    buf_init(&b, text, sizeof(text));
    buf_printf(&b, "token " STR_FMT " %s", STR_ARG(conf->name), user);
    if (!sign(a, digest, buf_text(&b)))
        (void)!getrandom(digest, sizeof(digest), 0); /* nobody has it */
    hex_write(token, digest, STATS_TOKEN_LEN / 2);
    token[STATS_TOKEN_LEN] = '\0';
}
