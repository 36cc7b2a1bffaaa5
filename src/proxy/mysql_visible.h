/* SPDX-License-Identifier: MIT */
/*
 * What is known of a MySQL session whose commands are followed (visible = on):
 * how much it has asked for, and whether it holds something that would be lost
 * with its connection.
 *
 *      commands ─▶ sent ─▶ server
 *      answers  ◀─ said ◀─ server
 */
#ifndef PROXY_MYSQL_VISIBLE_H
#define PROXY_MYSQL_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct mysql_visible {
    uint64_t queries;      /* statements that were sent */
    uint64_t transactions; /* that have ended */
    uint64_t errors;       /* answers that were one */
    uint16_t error;        /* number of the last one; 0: none */
    bool blind;            /* it can be followed no more: nothing is counted */
    bool busy;             /* a command is not yet answered */
    bool in_transaction;
    bool bound; /* it has set or made what ends with it */
};

/* Begins after a login; CAPABILITIES hold between client and server. NULL with
 * errno. */
struct mysql_visible *mysql_visible_new(uint32_t capabilities) MUST_CHECK;
void mysql_visible_free(struct mysql_visible *v);

/* N bytes at P go to the server, or come from it. */
void mysql_visible_sent(struct mysql_visible *v, const uint8_t *p, size_t n);
void mysql_visible_said(struct mysql_visible *v, const uint8_t *p, size_t n);

/* Would nothing be lost if the connection ended now: it is between two
 * commands, outside a transaction, and not bound. */
bool mysql_visible_is_loose(const struct mysql_visible *v);

#endif
