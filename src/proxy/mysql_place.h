/* SPDX-License-Identifier: MIT */
/*
 * Whose a MySQL session is and in which schema, as its commands change that:
 *
 *      COM_CHANGE_USER user ... schema     a login on the same connection
 *      COM_INIT_DB schema
 *      USE schema                          as text
 *
 * A command's names are kept until its answer says whether they hold.  One such
 * command can be under way at a time, which is all that clients do.
 */
#ifndef PROXY_MYSQL_PLACE_H
#define PROXY_MYSQL_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    MYSQL_PLACE_USER_MAX = 384,   /* bytes of the longest name of a user */
    MYSQL_PLACE_SCHEMA_MAX = 256, /* and of a schema: 64 characters */
    MYSQL_PLACE_TEXT_MAX = 1024,  /* bytes of a command that are kept: to the
                                     end of a change of user's schema */
};

enum mysql_place_wait {
    MYSQL_PLACE_NOTHING, /* no command under way changes anything */
    MYSQL_PLACE_SCHEMA,  /* one changes the schema */
    MYSQL_PLACE_USER,    /* one changes both */
};

struct mysql_place {
    struct str user;   /* as the server has agreed to it */
    struct str schema; /* absent: none, or not known */
    uint32_t can;      /* what a change of user is written for */

    enum mysql_place_wait wait;
    bool collecting; /* a command's text is coming */
    bool cut;        /* there was no room for all of it */
    struct str next_user;
    struct str next_schema; /* absent: it cannot be told */
    size_t len;             /* of `text` */
    char text[MYSQL_PLACE_TEXT_MAX];
    char user_text[MYSQL_PLACE_USER_MAX];
    char schema_text[MYSQL_PLACE_SCHEMA_MAX];
};

/* USER and SCHEMA outlive it; CAN as mysql_read_change takes it. */
void mysql_place_init(struct mysql_place *place, struct str user,
                      struct str schema, uint32_t can);

/* A command begins, the first N bytes of which are at P; they come again as
 * part of its text.  -1: another one that changes something is not yet
 * answered. */
int mysql_place_begin(struct mysql_place *place, const uint8_t *p,
                      size_t n) MUST_CHECK;

/* N more bytes of it. */
void mysql_place_add(struct mysql_place *place, const uint8_t *p, size_t n);

/* It is whole.  -1: a change of user that cannot be read. */
int mysql_place_end(struct mysql_place *place) MUST_CHECK;

/* A statement somewhere in the command, which is whole, is a USE. */
void mysql_place_used(struct mysql_place *place);

/* The command that changes something is answered: did it, and are user or
 * schema others now? */
bool mysql_place_answered(struct mysql_place *place, bool ok);

#endif
