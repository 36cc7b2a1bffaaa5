/* SPDX-License-Identifier: MIT */
/*
 * The first packet of a MySQL or MariaDB server: who it is, what it can do, and
 * the challenge that its default plugin sets. (Or ERR: host blocked, too many
 * connections.)
 *
 * MySQL's manual: "Protocol::HandshakeV10"; MariaDB's: "Connecting", "Initial
 * handshake packet". Refused: protocol versions but 10, servers older than 4.1.
 */
#ifndef CODEC_MYSQL_GREETING_H
#define CODEC_MYSQL_GREETING_H

#include <stdint.h>

#include "codec/mysql.h"

enum {
    MYSQL_PROTOCOL_VERSION = 10, /* a greeting's first byte */
    MYSQL_CHALLENGE_MAX = 255,   /* bytes of a greeting's challenge */
    MYSQL_CHALLENGE_LEN = 20,    /* bytes of it that most plugins use */
};

struct mysql_greeting {
    struct str version;    /* as it came: "5.5.5-10.11.6-MariaDB" */
    uint32_t thread_id;    /* of the connection */
    uint32_t capabilities; /* set of enum mysql_capability */
    uint32_t mariadb;      /* set of enum mysql_mariadb_capability; 0 with
                              MYSQL_CAN_MYSQL */
    uint8_t charset;       /* the server's default */
    uint16_t status;       /* set of enum mysql_status */
    struct str plugin;     /* the server's default; absent on old ones */
    uint8_t challenge[MYSQL_CHALLENGE_MAX]; /* without its NUL */
    uint8_t challenge_len;
};

ssize_t mysql_read_greeting(struct mysql_greeting *out, const uint8_t *p,
                            size_t n) __attribute__((warn_unused_result));

/* The version for people: without the "5.5.5-" that MariaDB before 11 puts
 * before it. */
struct str mysql_bare_version(struct str version);

/* Appends a greeting, number 0; MYSQL_CAN_PROTOCOL_41 and MYSQL_CAN_CHALLENGE
 * are always told, MYSQL_CAN_PLUGINS where there is a plugin. Sets to->failed
 * for a NUL in a name, and for a challenge with a NUL or of another length than
 * MYSQL_CHALLENGE_LEN (up to 254 where there is a plugin). */
void
mysql_write_greeting(struct buf *to, const struct mysql_greeting *greeting);

#endif
