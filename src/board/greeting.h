/* SPDX-License-Identifier: MIT */
/*
 * What a MySQL or MariaDB server says of itself in its greeting, on the board:
 * clients are greeted with it before it is known which server they go to.
 * Checks and live sessions note it, whoever sees a greeting.
 *
 * Several may write at once, and any may die meanwhile: a seal over the words
 * tells whether they belong together, and what is not sealed is not known.
 */
#ifndef BOARD_GREETING_H
#define BOARD_GREETING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "board/rows.h"

enum {
    GREETING_VERSION_MAX = 53, /* bytes of a version; more is cut */
};

struct greeting_facts {
    uint32_t capabilities;                  /* as codec/mysql.h has them */
    uint32_t mariadb;                       /* MariaDB's */
    uint8_t charset;                        /* the server's default */
    uint8_t sha2;                           /* 1: so is caching_sha2_password,
                                               as its plugin */
    char version[GREETING_VERSION_MAX + 1]; /* as it came, with a NUL */
};

/* Notes it of the server; cheap where it is known. */
void
greeting_note(struct board *b, int server, const struct greeting_facts *facts);

/* false: it is not known. */
bool
greeting_read(const struct board *b, int server, struct greeting_facts *out);

/* Sets the version, cut where it is too long. */
void greeting_set_version(struct greeting_facts *facts, struct str version);

#endif
