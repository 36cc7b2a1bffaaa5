/* SPDX-License-Identifier: MIT */
/*
 * Why Moongate itself refuses a MySQL client, as MySQL's own errors: numbers
 * and states that clients know.
 */
#ifndef PROXY_MYSQL_REFUSAL_H
#define PROXY_MYSQL_REFUSAL_H

#include <stdint.h>

#include "base/buf.h"
#include "proxy/dial.h"

enum mysql_refusal {
    MYSQL_REFUSAL_FULL,      /* no server has room, and waiting did not help */
    MYSQL_REFUSAL_HANDSHAKE, /* the login is none */
    MYSQL_REFUSAL_DENIED,    /* a script refuses the login */
    MYSQL_REFUSAL_HOST,      /* a script refuses the client */
    MYSQL_REFUSAL_NOT_READY, /* servers answer, and none of them serves */
    MYSQL_REFUSAL_SHUTDOWN,  /* the session is ended from outside */
    MYSQL_REFUSAL_ORDER,     /* a packet has another number */
    MYSQL_REFUSAL_BROKEN,    /* the server broke off while it logged in */
    MYSQL_REFUSAL_LATE,      /* the client took too long */
    MYSQL_REFUSAL_TOO_OLD,   /* the client cannot switch */
    MYSQL_REFUSAL_SERVER,    /* no server could be reached */
    MYSQL_REFUSAL_FOREIGN,   /* the same, to who would not believe the number */
    MYSQL_REFUSAL_INSECURE,  /* it takes TLS, which one side lacks */
};

/* Appends it, with these words. CAPABILITIES are the client's; 0 before its
 * login. */
void
mysql_refusal_write(struct buf *to, enum mysql_refusal why, struct str words,
                    uint8_t sequence, uint32_t capabilities);

/* What a dial that found no server is to the client.  It is asked once: other
 * processes change the board, on which the answer depends. */
enum mysql_refusal
mysql_refusal_of(const struct dial *dial, enum dial_result result);

/* The words for WHY, as mysql_refusal_of gave it for DIAL; in SPACE, which has
 * SIZE bytes. */
struct str mysql_refusal_words(char *space, size_t size,
                               const struct dial *dial, enum mysql_refusal why);

#endif
