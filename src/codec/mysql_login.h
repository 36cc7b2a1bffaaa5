/* SPDX-License-Identifier: MIT */
/*
 * A client's login to a MySQL or MariaDB server, and what may stand before it.
 *
 *      ◀─ greeting
 *         asks for TLS ─▶  ... and goes on inside of it
 *         login ─▶
 *      ◀─ switch, more data, OK or ERR: mysql_switch.h, mysql_answer.h
 *
 * Which form the answer to the challenge has, and what follows it, is in the
 * client's capabilities:
 *
 *      capabilities max_packet charset filler (MariaDB's)  all that TLS is
 * asked user  answer  [schema]  [plugin]  [attributes]  [zstd]
 *
 * MySQL's manual: "Connection Phase", "Protocol::HandshakeResponse41",
 * "Protocol::HandshakeResponse320", "Protocol::SSLRequest"; MariaDB's:
 * "Connecting", "Client handshake response", "SSL request". Refused: names over
 * MYSQL_NAME_MAX bytes, and attributes that are broken or over their limit.
 * What stands behind the last field is ignored, as servers do.
 */
#ifndef CODEC_MYSQL_LOGIN_H
#define CODEC_MYSQL_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/mysql.h"
#include "codec/mysql_attribute.h"

struct mysql_cursor;

enum {
    MYSQL_NAME_MAX = 512, /* bytes of a user's, schema's or plugin's name: the
                             longest that a server knows has 384 */
    MYSQL_LOGIN_MAX = MYSQL_ATTRIBUTES_MAX + (16 << 10), /* bytes of a login */
};

struct mysql_login {
    bool tls_request;      /* nothing but this is asked: names are absent */
    uint32_t capabilities; /* set of enum mysql_capability; without
                              MYSQL_CAN_PROTOCOL_41 the login has the form of
                              clients older than 4.1 */
    uint32_t mariadb;      /* set of enum mysql_mariadb_capability; 0 with
                              MYSQL_CAN_MYSQL */
    uint32_t max_packet;   /* bytes that the client takes */
    uint16_t charset;      /* a collation's number; 0: not told */
    struct str user;
    struct str answer;     /* to the challenge; may be empty */
    struct str schema;     /* absent or empty: none */
    struct str plugin;     /* that made the answer; absent: none */
    struct str attributes; /* a block as of mysql_attribute.h; absent: none */
    uint8_t zstd_level;    /* with MYSQL_CAN_ZSTD: 1 to 22 */
};

/* Reads a login in either form, or the request for TLS that comes before it: a
 * request is told by its length. A client that has MYSQL_CAN_TLS in a login
 * that no TLS came before breaks the protocol, which the caller knows. */
ssize_t mysql_read_login(struct mysql_login *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Appends a login in the form of 4.1. Capabilities for fields that are absent
 * are left out, as are fields whose capability is missing; those that this side
 * of a relay lacks (TLS, compression) are the caller's to leave out. Sets
 * to->failed for a NUL in a name, for a charset or an answer over 255 (without
 * MYSQL_CAN_LENENC), and for what mysql_read_login refuses. */
void mysql_write_login(struct buf *to, uint8_t sequence,
                       const struct mysql_login *login);

/* Appends a request for TLS; of LOGIN, which follows inside of it and has to
 * say the same, it takes what stands before the names. */
void mysql_write_tls_request(struct buf *to, uint8_t sequence,
                             const struct mysql_login *login);

/* Read and append an answer to a challenge, the one field that has had three
 * forms: a length-encoded length, one of a byte, a NUL behind it. An empty
 * answer is a zero in each. Sets to->failed where it does not fit the form. */
struct str mysql_take_answer(struct mysql_cursor *c, uint32_t capabilities);
void
mysql_write_answer(struct buf *to, uint32_t capabilities, struct str answer);

/* A named error where a field of LOGIN goes beyond a limit; else 0. */
int mysql_check_login(const struct mysql_login *login);

#endif
