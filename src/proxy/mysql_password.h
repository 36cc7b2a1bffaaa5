/* SPDX-License-Identifier: MIT */
/*
 * How the authentication plugins of MySQL and MariaDB prove a password.
 *
 * MySQL's manual: "Native Authentication", "Caching_sha2_password information";
 * MariaDB's: "Authentication Plugin - ed25519".
 */
#ifndef PROXY_MYSQL_PASSWORD_H
#define PROXY_MYSQL_PASSWORD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "base/str.h"

enum mysql_plugin {
    MYSQL_PLUGIN_OTHER,   /* unknown here: it is answered with nothing */
    MYSQL_PLUGIN_NATIVE,  /* mysql_native_password */
    MYSQL_PLUGIN_SHA2,    /* caching_sha2_password */
    MYSQL_PLUGIN_ED25519, /* client_ed25519 */
};

enum {
    MYSQL_ANSWER_MAX = 64,    /* bytes of an answer to a challenge */
    MYSQL_PASSWORD_MAX = 255, /* bytes of a password that is sent whole */
};

enum mysql_plugin mysql_plugin_find(struct str name);

/* Sets OUT to the answer to CHALLENGE, and returns its length. -1: the
 * challenge is too short, or there is no memory. */
ssize_t
mysql_password_answer(uint8_t out[MYSQL_ANSWER_MAX], enum mysql_plugin plugin,
                      struct str password, struct str challenge) MUST_CHECK;

/* Sets OUT (CAP bytes) to the password itself, readable by the owner of the RSA
 * key PEM only. Returns its length, or -1. */
ssize_t mysql_password_encrypt(uint8_t *out, size_t cap, struct str password,
                               struct str challenge, struct str pem) MUST_CHECK;

#endif
