/* SPDX-License-Identifier: MIT */
/*
 * Who may see the statistics: Basic authentication (RFC 7617). Who guesses has
 * to wait longer each time; who was right once is known again without the work
 * that a hash takes.
 */
#ifndef APP_STATS_AUTH_H
#define APP_STATS_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/model.h"

enum {
    STATS_USER_MAX = 64,  /* bytes of a user's name */
    STATS_TOKEN_LEN = 32, /* letters of a token */
    STATS_KNOWN_MAX = 16, /* logins that are known again */
    STATS_GUESSERS_MAX = 64,
    STATS_DIGEST_LEN = 32,
};

struct stats_auth {
    uint8_t key[STATS_DIGEST_LEN]; /* of this process alone */
    struct {
        uint8_t digest[STATS_DIGEST_LEN];
        const struct stats_conf *conf;
    } known[STATS_KNOWN_MAX];
    unsigned next_known;
    struct {
        struct addr addr;
        unsigned failures;
        uint64_t until_ms; /* no further guess before */
    } guessers[STATS_GUESSERS_MAX];
};

enum stats_verdict {
    STATS_LET_IN,
    STATS_ASK,  /* for a password: 401 */
    STATS_WAIT, /* too many wrong ones: 429 */
};

/* 0; -1 with errno: there is no randomness. */
int stats_auth_init(struct stats_auth *a) MUST_CHECK;

/* Nobody is known again: a section means something else now. */
void stats_auth_forget(struct stats_auth *a);

/* What becomes of a client at ADDR with this Authorization (empty: none). USER,
 * of STATS_USER_MAX + 1 bytes, gets its name; where nobody logs in, "". */
enum stats_verdict
stats_auth_check(struct stats_auth *a, const struct stats_conf *conf,
                 const struct addr *addr, struct str authorization, char *user);

/* The token that USER's forms carry, of STATS_TOKEN_LEN letters and a NUL. */
void stats_auth_token(const struct stats_auth *a, const struct stats_conf *conf,
                      const char *user, char token[STATS_TOKEN_LEN + 1]);

#endif
