/* SPDX-License-Identifier: MIT */
/*
 * What the authentication plugins of a login say to each other, once the server
 * has greeted and the client has asked to log in:
 *
 *      ◀─ switch: another plugin, another challenge
 *         answer ─▶
 *      ◀─ more data, as the plugin needs          ─▶ ...
 *      ◀─ OK or ERR
 *
 * What the client answers is bytes alone: all of a packet's payload.
 *
 * MySQL's manual: "AuthSwitchRequest", "OldAuthSwitchRequest",
 * "AuthSwitchResponse", "AuthMoreData", "Caching_sha2_password information",
 * "Sha256_password information"; MariaDB's: "Authentication switch request".
 * The next factor of MYSQL_CAN_FACTORS is not known here.
 */
#ifndef CODEC_MYSQL_SWITCH_H
#define CODEC_MYSQL_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/mysql.h"

/* All that is said at a step of caching_sha2_password and sha256_password, but
 * for passwords and keys. */
enum mysql_sha2_step {
    MYSQL_SHA256_SEND_KEY = 1, /* sha256_password to the server: your key */
    MYSQL_SHA2_SEND_KEY = 2,   /* to the server: your public key */
    MYSQL_SHA2_FAST = 3,       /* from it: it knew the password; OK follows */
    MYSQL_SHA2_FULL = 4,       /* from it: send the password itself */
};

#define MYSQL_SHA2_PLUGIN "caching_sha2_password"

struct mysql_switch {
    struct str plugin; /* that the user has */
    struct str data;   /* its challenge, as it came: often with a NUL */
    bool old;          /* the short form, for "mysql_old_password" */
};

/* Reads a request to switch. */
ssize_t mysql_read_switch(struct mysql_switch *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* What the plugin says, without the first byte. */
ssize_t mysql_read_more(struct str *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Appends a request to switch. Sets to->failed for a NUL in the plugin's
 * name. */
void mysql_write_switch(struct buf *to, uint8_t sequence,
                        const struct mysql_switch *request);

/* Appends what the plugin says. */
void mysql_write_more(struct buf *to, uint8_t sequence, struct str said);

#endif
