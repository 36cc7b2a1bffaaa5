/* SPDX-License-Identifier: MIT */
/*
 * Logging in to a MySQL or MariaDB server, as a client sees it.
 *
 *      ◀─ greeting (or ERR: host blocked, too many connections)
 *         login request ─▶
 *      ◀─ switch: another plugin, another challenge
 *         answer ─▶
 *      ◀─ more data, as the plugin needs          ─▶ ...
 *      ◀─ OK or ERR
 *
 * MySQL's manual: "Connection Phase", "HandshakeV10", "HandshakeResponse41",
 * "AuthSwitchRequest", "AuthMoreData", "Caching_sha2_password information";
 * MariaDB's: "Connecting". Refused: protocol versions but 10, servers older
 * than 4.1.
 */
#ifndef CODEC_MYSQL_LOGIN_H
#define CODEC_MYSQL_LOGIN_H

#include <stdint.h>

#include "codec/mysql.h"

enum {
    MYSQL_PROTOCOL_VERSION = 10, /* a greeting's first byte */
    MYSQL_CHALLENGE_MAX = 255,   /* bytes of a greeting's challenge */
    MYSQL_CHALLENGE_LEN = 20,    /* bytes of it that most plugins use */
};

/* The first byte of what caching_sha2_password says in "more data". */
enum mysql_sha2_step {
    MYSQL_SHA2_SEND_KEY = 2, /* to the server: your public key */
    MYSQL_SHA2_FAST = 3,     /* from it: it knew the password; OK follows */
    MYSQL_SHA2_FULL = 4,     /* from it: send the password itself */
};

struct mysql_greeting {
    struct str version;    /* "10.11.6-MariaDB": without the "5.5.5-" that
                              MariaDB before 11 puts before it */
    uint32_t thread_id;    /* of the connection */
    uint32_t capabilities; /* set of enum mysql_capability */
    uint8_t charset;       /* the server's default */
    uint16_t status;       /* set of enum mysql_status */
    struct str plugin;     /* the server's default; absent on old ones */
    uint8_t challenge[MYSQL_CHALLENGE_MAX]; /* without its NUL */
    uint8_t challenge_len;
};

struct mysql_attribute {
    struct str name;
    struct str value;
};

struct mysql_login {
    uint32_t capabilities; /* set of enum mysql_capability; those for fields
                              that are absent are left out */
    uint32_t max_packet;   /* bytes that the client takes */
    uint8_t charset;
    struct str user;
    struct str answer; /* to the challenge */
    struct str schema; /* absent: none */
    struct str plugin; /* that made the answer; absent: none */
    const struct mysql_attribute *attributes;
    size_t attribute_count;
};

struct mysql_switch {
    struct str plugin; /* that the user has */
    struct str data;   /* its challenge, as it came: often with a NUL */
};

ssize_t mysql_read_greeting(struct mysql_greeting *out, const uint8_t *p,
                            size_t n) __attribute__((warn_unused_result));

/* Reads a request to switch; the short form of old servers asks for
 * "mysql_old_password". */
ssize_t mysql_read_switch(struct mysql_switch *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* What the plugin says, without the first byte. */
ssize_t mysql_read_more(struct str *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Appends the login request. Sets to->failed for a NUL in a name, and for an
 * answer over 255 bytes without MYSQL_CAN_LENENC. */
void mysql_write_login(struct buf *to, uint8_t sequence,
                       const struct mysql_login *login);

#endif
