/* SPDX-License-Identifier: MIT */
/*
 * Who may see the statistics: Basic authentication (RFC 7617). Who guesses has
 * to wait longer each time; who was right once is known again without the work
 * that a hash takes. That work is done beside the loop, one login after the
 * other in the order in which they came.
 *
 *     stats_auth_check ─▶ let in, ask, wait …
 *                      └▶ STATS_LATER ─▶ hash ─▶ on_turn ─▶ stats_auth_check
 */
#ifndef APP_STATS_AUTH_H
#define APP_STATS_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/model.h"

struct loop;
struct verifier;

enum {
    STATS_USER_MAX = 64,  /* bytes of a user's name */
    STATS_TOKEN_LEN = 32, /* letters of a token */
    STATS_KNOWN_MAX = 16, /* logins that are known again */
    STATS_GUESSERS_MAX = 64,
    STATS_WAITING_MAX =
        48, /* fewer than clients: there is room for the known */
    STATS_DIGEST_LEN = 32,
};

struct stats_auth {
    uint8_t key[STATS_DIGEST_LEN]; /* of this process alone */
    struct {
        uint8_t digest[STATS_DIGEST_LEN];
    } known[STATS_KNOWN_MAX];
    unsigned next_known;
    struct {
        struct addr addr;
        unsigned failures;
        uint64_t until_ms; /* no further guess before */
    } guessers[STATS_GUESSERS_MAX];
    struct verifier *verifier;
    struct list waiting; /* logins whose turn comes */
    unsigned waiting_count;
    struct {
        struct stats_login *login; /* NULL: it has gone meanwhile */
        uint8_t digest[STATS_DIGEST_LEN];
        struct addr addr;
        char section[CONFIG_NAME_MAX + 1];
    } running; /* what the verifier is busy with */
};

/* What a client has to do with it; its owner finds itself by container_of. */
struct stats_login;
typedef void (*stats_login_fn)(struct stats_login *login);
struct stats_login {
    struct list link; /* among those who wait, or in none */
    stats_login_fn on_turn;
    bool refused; /* that has been found out just now */
};

enum stats_verdict {
    STATS_LET_IN,
    STATS_ASK,   /* for a password: 401 */
    STATS_WAIT,  /* too many wrong ones, or too many who try: 429 */
    STATS_FAIL,  /* it cannot be found out now: 503 */
    STATS_LATER, /* on_turn is called, and it is to be asked again then */
};

/* 0; -1 with errno: there is no randomness, or no memory. stats_auth_fini is
 * called either way, after the logins have ended. */
int stats_auth_init(struct stats_auth *a, struct loop *loop) MUST_CHECK;
void stats_auth_fini(struct stats_auth *a);

/* One of somebody who has not asked yet. */
void stats_login_init(struct stats_login *login, stats_login_fn on_turn);

/* on_turn is not called any more. What is being found out about it counts all
 * the same. */
void stats_login_cancel(struct stats_login *login, struct stats_auth *a);

/* What becomes of a client at ADDR with this Authorization (empty: none). USER,
 * of STATS_USER_MAX + 1 bytes, gets its name; where nobody logs in, "". */
enum stats_verdict
stats_auth_check(struct stats_auth *a, struct stats_login *login,
                 const struct stats_conf *conf, const struct addr *addr,
                 struct str authorization, char *user);

/* The token that USER's forms carry, of STATS_TOKEN_LEN letters and a NUL. */
void stats_auth_token(const struct stats_auth *a, const struct stats_conf *conf,
                      const char *user, char token[STATS_TOKEN_LEN + 1]);

#endif
