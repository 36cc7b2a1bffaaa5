/* SPDX-License-Identifier: MIT */
/*
 * One client connection to a MySQL or MariaDB server, for health checks: logs
 * in, asks, quits. It reads and writes the stream that it is handed, and owns
 * none.
 *
 *      mysql_client_begin ─▶ step ... done ─▶ query ─▶ step ... done ─▶ quit
 *                             │                         │
 *                             └──── refused, broken ────┘
 *
 * A login that the check cannot finish is answered all the same, so that the
 * server ends it by itself and does not count it against this host
 * (max_connect_errors).
 */
#ifndef PROXY_MYSQL_CLIENT_H
#define PROXY_MYSQL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"
#include "board/greeting.h"
#include "codec/mysql_greeting.h"
#include "codec/mysql_result.h"
#include "net/stream.h"
#include "proxy/mysql_password.h"

enum {
    MYSQL_CLIENT_BUFFER = 4096,         /* bytes of one packet from a server */
    MYSQL_CLIENT_ANSWER_MAX = 64 << 10, /* bytes of one answer, or a login */
    MYSQL_CLIENT_COLUMNS_MAX = 8,       /* of a result that is read */
    MYSQL_CLIENT_REASON_MAX = 255,      /* bytes of a reason */
    MYSQL_CLIENT_VERSION_MAX = 63,      /* bytes of the server's version */
};

enum mysql_outcome {
    MYSQL_OUTCOME_WAIT,    /* more has to come */
    MYSQL_OUTCOME_DONE,    /* logged in; or the whole answer is there */
    MYSQL_OUTCOME_REFUSED, /* the server says no: `number`, `reason` */
    MYSQL_OUTCOME_BROKEN,  /* it ended, or is no MySQL server: `reason` */
};

enum mysql_client_phase {
    MYSQL_CLIENT_GREETING, /* none has come */
    MYSQL_CLIENT_TLS,      /* TLS was asked for, and is shaken hands on */
    MYSQL_CLIENT_LOGIN,    /* it has been answered */
    MYSQL_CLIENT_READY,    /* to ask */
    MYSQL_CLIENT_RESULT,   /* an answer is under way */
};

/* A row of the answer; values are valid during the call. */
typedef void (*mysql_row_fn)(void *arg, const struct str *values, size_t count);

struct tls_client;

/* How to log in; what it points to stays the caller's. */
struct mysql_client_conf {
    struct str user;
    struct str password;    /* absent: none */
    struct tls_client *tls; /* NULL: plainly */
    const char *tls_name;   /* that the server is to prove (net/tls.h) */
};

struct mysql_client {
    struct stream *stream;
    struct tls_client *tls;
    const char *tls_name;
    uint8_t sequence;    /* of the login that is to be written */
    struct str user;     /* the configuration's */
    struct str password; /* absent: none */
    enum mysql_client_phase phase;
    uint32_t capabilities;    /* that both sides have */
    enum mysql_plugin plugin; /* that is to be answered */
    char plugin_name[64];
    uint8_t challenge[MYSQL_CHALLENGE_MAX];
    size_t challenge_len;
    struct mysql_result result;
    mysql_row_fn on_row;
    void *arg;
    uint16_t number; /* of the server's error; 0: it is no server's */
    char reason[MYSQL_CLIENT_REASON_MAX + 1];
    char version[MYSQL_CLIENT_VERSION_MAX + 1];
    bool greeted;                /* `facts` are the server's */
    struct greeting_facts facts; /* by its greeting */
    size_t received;             /* bytes of this answer */
    size_t start, end; /* of the bytes in `in` that are not yet taken */
    uint8_t in[MYSQL_CLIENT_BUFFER];
};

/* Begins on a new connection. */
void mysql_client_begin(struct mysql_client *client, struct stream *stream,
                        const struct mysql_client_conf *conf);

/* Goes on, after the connection was made, and whenever the stream is ready.
 * What has ended (not WAIT) may not be asked again before a query. */
enum mysql_outcome mysql_client_step(struct mysql_client *client) MUST_CHECK;

/* Asks; ON_ROW is called for each row of the answer. Only when READY. */
enum mysql_outcome
mysql_client_query(struct mysql_client *client, struct str query,
                   mysql_row_fn on_row, void *arg) MUST_CHECK;

/* Takes leave; the caller closes the stream. */
void mysql_client_quit(struct mysql_client *client);

#endif
