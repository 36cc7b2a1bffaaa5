/* SPDX-License-Identifier: MIT */
#include "app/stats_auth.h"

#include <errno.h>
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
#include "net/verifier.h"

enum {
    HEADER_MAX = 1024, /* bytes of an Authorization that are looked at */
    FREE_GUESSES = 3,  /* before one has to wait */
    WAIT_MAX_S = 60,
};

static bool
sign(const struct stats_auth *a, uint8_t out[STATS_DIGEST_LEN], struct str text)
{
    return crypto_hmac(out, CRYPTO_SHA256,
                       str_make((const char *)a->key, sizeof(a->key)),
                       text) == 0;
}

/* --- who was right before ------------------------------------------------- */

/* What a login is known by: another password or section in the configuration,
 * and it is another login. */
static bool
make_digest(const struct stats_auth *a, uint8_t out[STATS_DIGEST_LEN],
            const struct stats_conf *conf, struct str secret,
            struct str authorization)
{
    struct str zero = str_make("", 1);
    const struct str texts[] = {conf->name, zero, secret, zero, authorization};
    uint8_t all[CRYPTO_SHA256_LEN];

    return crypto_sha256(all, texts, sizeof(texts) / sizeof(*texts)) == 0 &&
           sign(a, out, str_make((const char *)all, sizeof(all)));
}

static bool
is_known(const struct stats_auth *a, const uint8_t digest[STATS_DIGEST_LEN])
{
    for (unsigned i = 0; i < STATS_KNOWN_MAX; i++) {
        if (crypto_equal(
                str_make((const char *)a->known[i].digest, STATS_DIGEST_LEN),
                str_make((const char *)digest, STATS_DIGEST_LEN)))
            return true;
    }
    return false;
}

static void
remember(struct stats_auth *a, const uint8_t digest[STATS_DIGEST_LEN])
{
    unsigned i = a->next_known++ % STATS_KNOWN_MAX;

    memcpy(a->known[i].digest, digest, STATS_DIGEST_LEN);
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
note_failure(struct stats_auth *a, const char *section, const struct addr *addr)
{
    unsigned guesser = find_guesser(a, addr);
    unsigned failures = ++a->guessers[guesser].failures;
    uint64_t wait_s = 0;
    char text[ADDR_TEXT_MAX];

    if (failures >= FREE_GUESSES)
        wait_s = failures - FREE_GUESSES < 6 ? 1U << (failures - FREE_GUESSES)
                                             : WAIT_MAX_S;
    a->guessers[guesser].until_ms = clock_ms() + wait_s * 1000;
    log_warn("stats %s: a wrong user or password client=%s failures=%u",
             section, addr_format(addr, text, sizeof(text)), failures);
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

/* What USER's password is compared with. Whoever is wrong, be it in the name
 * or the password, waits as long as the costliest hash of the section takes. */
struct trial {
    struct str secret; /* empty: nobody has this name */
    struct str decoy;  /* empty: the secret costs as much itself */
};

static struct trial
find_trial(const struct stats_conf *conf, struct str user)
{
    struct trial trial = {.secret = str_make(NULL, 0)};
    uint64_t most_us = 0;

    for (size_t i = 0; i < conf->auth_count; i++) {
        uint64_t cost_us = htpasswd_cost_us(conf->auths[i].secret);

        if (crypto_equal(conf->auths[i].user, user))
            trial.secret = conf->auths[i].secret;
        if (cost_us > most_us) {
            most_us = cost_us;
            trial.decoy = conf->auths[i].secret;
        }
    }
    if (trial.secret.len > 0 && htpasswd_cost_us(trial.secret) == most_us)
        trial.decoy.len = 0;
    return trial;
}

/* --- one after the other -------------------------------------------------- */

/* Each is looked at anew: it may be known by now, or have to wait. */
static void
call_next(struct stats_auth *a)
{
    while (!verifier_is_busy(a->verifier) && !list_empty(&a->waiting)) {
        struct stats_login *login = container_of(list_take_first(&a->waiting),
                                                 struct stats_login, link);

        a->waiting_count--;
        login->on_turn(login);
    }
}

static void
on_verified(void *arg, bool matches)
{
    struct stats_auth *a = arg;
    struct stats_login *login = a->running.login;

    a->running.login = NULL;
    if (matches) {
        a->guessers[find_guesser(a, &a->running.addr)].failures = 0;
        remember(a, a->running.digest);
    } else {
        note_failure(a, a->running.section, &a->running.addr);
    }
    if (login != NULL) {
        login->refused = !matches;
        login->on_turn(login);
    }
    call_next(a);
}

static enum stats_verdict
start(struct stats_auth *a, struct stats_login *login,
      const struct stats_conf *conf, const struct addr *addr,
      const struct trial *trial, struct str password)
{
    if (verifier_start(a->verifier, trial->secret, trial->decoy, password) <
        0) {
        log_warn("stats " STR_FMT ": cannot compare a password: %s",
                 STR_ARG(conf->name), strerror(errno));
        return STATS_FAIL;
    }
    a->running.login = login;
    a->running.addr = *addr;
    (void)snprintf(a->running.section, sizeof(a->running.section), STR_FMT,
                   STR_ARG(conf->name));
    return STATS_LATER;
}

/* One whose login is not known. */
static enum stats_verdict
find_out(struct stats_auth *a, struct stats_login *login,
         const struct stats_conf *conf, const struct addr *addr,
         const struct trial *trial, struct str password)
{
    if (login->refused) {
        login->refused = false;
        return STATS_ASK;
    }
    if (a->guessers[find_guesser(a, addr)].until_ms > clock_ms())
        return STATS_WAIT;
    if (!verifier_is_busy(a->verifier))
        return start(a, login, conf, addr, trial, password);
    if (a->waiting_count == STATS_WAITING_MAX)
        return STATS_WAIT;
    list_add_tail(&a->waiting, &login->link);
    a->waiting_count++;
    return STATS_LATER;
}

enum stats_verdict
stats_auth_check(struct stats_auth *a, struct stats_login *login,
                 const struct stats_conf *conf, const struct addr *addr,
                 struct str authorization, char *user)
{
    enum stats_verdict verdict = STATS_LET_IN;
    uint8_t digest[STATS_DIGEST_LEN];
    char text[HEADER_MAX];
    struct str password;
    struct trial trial;
    struct str name;

    user[0] = '\0';
    if (conf->auth_count == 0)
        return STATS_LET_IN;
    if (!decode(authorization, text, &name, &password))
        return STATS_ASK;
    trial = find_trial(conf, name);
    if (!make_digest(a, digest, conf, trial.secret, authorization))
        verdict = STATS_FAIL;
    else if (!is_known(a, digest))
        verdict = find_out(a, login, conf, addr, &trial, password);
    if (verdict == STATS_LATER && a->running.login == login)
        memcpy(a->running.digest, digest, sizeof(digest));
    if (verdict == STATS_LET_IN)
        (void)snprintf(user, STATS_USER_MAX + 1, STR_FMT, STR_ARG(name));
    explicit_bzero(text, sizeof(text));
    return verdict;
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

/* --- life ----------------------------------------------------------------- */

int
stats_auth_init(struct stats_auth *a, struct loop *loop)
{
    *a = (struct stats_auth){.next_known = 0};
    list_init(&a->waiting);
    a->verifier = verifier_new(loop, on_verified, a);
    if (a->verifier == NULL)
        return -1;
    return getrandom(a->key, sizeof(a->key), 0) == (ssize_t)sizeof(a->key) ? 0
                                                                           : -1;
}

void
stats_auth_fini(struct stats_auth *a)
{
    verifier_free(a->verifier);
    a->verifier = NULL;
}

void
stats_login_init(struct stats_login *login, stats_login_fn on_turn)
{
    list_init(&login->link);
    login->on_turn = on_turn;
    login->refused = false;
}

void
stats_login_cancel(struct stats_login *login, struct stats_auth *a)
{
    if (!list_empty(&login->link))
        a->waiting_count--;
    list_remove(&login->link);
    if (a->running.login == login)
        a->running.login = NULL;
}
