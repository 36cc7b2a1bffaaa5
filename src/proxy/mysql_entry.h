/* SPDX-License-Identifier: MIT */
/*
 * What a MySQL session is until its client has logged in (mysql_session.h has
 * the drawing), and how the client is refused meanwhile.
 */
#ifndef PROXY_MYSQL_ENTRY_H
#define PROXY_MYSQL_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "board/greeting.h"
#include "codec/mysql_answer.h"
#include "codec/mysql_framer.h"
#include "codec/mysql_login.h"
#include "proxy/hook.h"
#include "proxy/mysql_commands.h"
#include "proxy/mysql_leg.h"
#include "proxy/mysql_refusal.h"
#include "proxy/tcp_session.h"

enum {
    MYSQL_WORDS_MAX = 512,    /* bytes of what a refusal says */
    MYSQL_LOGIN_SEQUENCE = 1, /* of a login, behind the greeting */
};

struct mysql_passing;
struct mysql_visible;

enum mysql_phase {
    PHASE_LOGIN,      /* greeted; the login is to come */
    PHASE_CLIENT_TLS, /* before it, a handshake */
    PHASE_HOOK,       /* a script is asked, which waits */
    PHASE_DIAL,       /* a server is looked for */
    PHASE_GREETING,   /* connected; the server is to greet */
    PHASE_SERVER_TLS, /* it has; a handshake comes before the login */
    PHASE_AUTH,       /* the server has the login: what they say is relayed */
};

/* What is needed until the two sides are joined. */
struct mysql_entry {
    enum mysql_phase phase;
    struct mysql_leg client;
    struct mysql_leg server;
    struct greeting_facts told; /* to the client */
    struct mysql_login login;   /* settled; its texts are the session's */
    struct greeting_facts server_facts; /* what the server says of itself */
    bool sha2;               /* its plugin may ask for the whole password */
    uint8_t whole;           /* it has: what asks for its key; else 0 */
    uint32_t server_can;     /* capabilities that hold on its side */
    uint32_t server_mariadb; /* likewise */
    uint8_t sequence;        /* of the last packet to or from the client */
    bool spoken;             /* the server's words have reached it */
    bool its_turn;           /* to answer them */
    struct hook_conn conn;
    struct hook_login asked;
    bool refused;          /* a refusal has been written */
    struct mysql_err said; /* a server refused the connection; number 0: none */
    char state[MYSQL_STATE_LEN];
    char text[MYSQL_WORDS_MAX]; /* its words */
    char why[MYSQL_WORDS_MAX];  /* why a server was of no use */
};

struct mysql_session {
    struct mysql_entry *entry;     /* NULL once joined */
    struct mysql_passing *passing; /* handshake = passthrough, until the login
                                      has passed; else NULL */
    char *login;                   /* the login's bytes: names point into it */
    uint32_t id;        /* of the connection, as the client is told */
    uint32_t thread_id; /* the same, as its server calls it */
    struct mysql_visible *visible; /* NULL: commands are not followed */
    int seat;                      /* on the board, or SEAT_NONE */
    struct str seat_user;          /* as the board has them */
    struct str seat_schema;
    struct mysql_commands commands;
    struct mysql_framer answers; /* what the server says, where passwords are
                                    guarded (mysql_secure.h) */
};

/* NULL once joined. */
static inline struct mysql_entry *
mysql_entry_of(const struct tcp_session *s)
{
    return ((const struct mysql_session *)s->guest)->entry;
}

/* The capabilities that hold on the client's side; 0 before its login. */
static inline uint32_t
mysql_entry_can(const struct mysql_entry *e)
{
    return e->login.capabilities;
}

/* Frees the entry: the session is joined, or over. */
void mysql_entry_free(struct mysql_session *m);

/* Has the prelude's timer fire in MS. */
void mysql_entry_timer(struct tcp_session *s, uint32_t ms);

/* Writes an error before the greeting, in the form of that moment; s->guest is
 * not looked at. */
void mysql_entry_refuse_early(struct tcp_session *s, enum mysql_refusal why,
                              struct str words);

/* Writes an error as the session's last packet to the client; a second one is
 * left out. */
void mysql_entry_refuse(struct tcp_session *s, enum mysql_refusal why,
                        struct str words);

/* The same, in the words of the server that would not have us. */
void mysql_entry_pass_refusal(struct tcp_session *s, struct mysql_entry *e);

/* What is in e->client.out is the last that the client gets. */
void mysql_entry_send_last(struct tcp_session *s, struct mysql_entry *e);

/* Refuses, and closes the session with HAProxy's FLAGS. */
void mysql_entry_end(struct tcp_session *s, const char *flags,
                     enum mysql_refusal why, const char *words);

#endif
