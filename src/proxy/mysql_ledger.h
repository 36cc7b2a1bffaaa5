/* SPDX-License-Identifier: MIT */
/*
 * What is counted of visible MySQL sessions by user and schema, as metrics of
 * the board (board/metric.h):
 *
 *      sessions{listener,user,schema}  a gauge, which ends with its worker
 *      sessions, queries, transactions {listener,user,schema}
 *      errors {listener,user,schema,number}
 *      blind {listener}
 *
 * Users and schemas are names that clients choose: only after a server has
 * agreed to them do they get a series, and each family has a limit, so that
 * they leave room to others. What has no room is counted there.
 */
#ifndef PROXY_MYSQL_LEDGER_H
#define PROXY_MYSQL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct board;
struct metric_table;

enum {
    MYSQL_LEDGER_SERIES_MAX = 512, /* of each family */
};

/* The numbers of the families, one set a process; zero bytes at first. */
struct mysql_families {
    bool open;
    int sessions;
    int begun;
    int queries;
    int transactions;
    int errors;
    int blind;
};

/* One session's. */
struct mysql_ledger {
    struct metric_table *table; /* NULL: there are no metrics */
    const struct mysql_families *families;
    double *cells; /* this worker's */
    struct str listener;
    double *sessions; /* those of the series; NULL: there is none */
    double *queries;
    double *transactions;
};

/* A session of WORKER in the section LISTENER, which outlives it. */
void
mysql_ledger_init(struct mysql_ledger *l, struct mysql_families *families,
                  struct board *board, unsigned worker, struct str listener);

/* The session is USER's and in SCHEMA from now on; ANEW: by a login, the first
 * or another one. */
void mysql_ledger_enter(struct mysql_ledger *l, struct str user,
                        struct str schema, bool anew);

/* It is over; or it never was. */
void mysql_ledger_leave(struct mysql_ledger *l);

/* An error with this number was answered. */
void mysql_ledger_error(struct mysql_ledger *l, struct str user,
                        struct str schema, uint16_t number);

/* It can be followed no more. */
void mysql_ledger_blind(struct mysql_ledger *l);

/* One more in a cell of a series, if there is one. */
static inline void
mysql_ledger_add(double *cell)
{
    if (cell != NULL)
        *cell += 1;
}

#endif
