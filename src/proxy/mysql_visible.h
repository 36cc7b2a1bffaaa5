/* SPDX-License-Identifier: MIT */
/*
 * What is known of a MySQL session whose commands are followed (visible = on):
 * how much it has asked for, and whether it holds something that would be lost
 * with its connection.
 *
 *      commands ─▶ sent ─▶ server
 *      answers  ◀─ said ◀─ server
 *
 * Where it cannot be followed any more, because of compression or of what is
 * not MySQL's protocol, it is blind: bytes pass, and nothing is said of it that
 * might be wrong.
 */
#ifndef PROXY_MYSQL_VISIBLE_H
#define PROXY_MYSQL_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "codec/mysql_follow.h"
#include "codec/mysql_words.h"
#include "proxy/mysql_ledger.h"
#include "proxy/mysql_place.h"

struct tcp_session;

struct mysql_visible {
    uint64_t queries;      /* statements that were sent */
    uint64_t transactions; /* that have ended */
    uint64_t errors;       /* answers that were one */
    uint16_t error;        /* number of the last one; 0: none */
    bool blind;            /* it can be followed no more: nothing is counted */
    bool busy;             /* a command is not yet answered */
    bool in_transaction;
    bool bound;     /* it has set or made what ends with it */
    bool logged_in; /* the server has agreed to the login */

    struct tcp_session *session;
    struct mysql_ledger ledger;
    struct mysql_follow follow;
    struct mysql_words words; /* of a query */
    uint8_t command;          /* that was sent last */
    bool several;             /* a query may hold several statements */
    uint32_t place_number;    /* of the command for which `place` waits */
    struct mysql_place place;
};

struct mysql_visible_conf {
    uint32_t capabilities; /* that hold between client and server */
    uint32_t mariadb;      /* likewise */
    uint32_t change_can;   /* those that a change of user is written for, as it
                              goes to the server */
    bool logging_in;       /* the login has just passed: the server is to say
                              what it thinks of it */
};

/* What a record tells. */
struct mysql_count {
    bool known; /* it was seen from its login to its end; else all are 0 */
    uint64_t queries;
    uint64_t transactions;
    uint64_t errors;
    uint16_t error;
};

/* Begins in S, whose flow has user and schema; is S's `visible` from here on.
 * NULL with errno. */
struct mysql_visible *
mysql_visible_new(struct tcp_session *s,
                  const struct mysql_visible_conf *conf) MUST_CHECK;
void mysql_visible_free(struct mysql_visible *v);

/* S, which was to be visible, cannot be: for WHY, in words. */
void mysql_visible_never(struct tcp_session *s, const char *why);

/* N bytes at P go to the server, or come from it. */
void mysql_visible_sent(struct mysql_visible *v, uint8_t *p, size_t n);
void mysql_visible_said(struct mysql_visible *v, uint8_t *p, size_t n);

/* V may be NULL. */
struct mysql_count mysql_visible_count(const struct mysql_visible *v);

/* Would nothing be lost if the connection ended now: it is between two
 * commands, outside a transaction, and not bound. */
bool mysql_visible_is_loose(const struct mysql_visible *v);

#endif
