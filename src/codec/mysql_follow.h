/* SPDX-License-Identifier: MIT */
/*
 * Follows a session after its login: the commands that a client sends and what
 * the server answers, as both pass by, without holding them up.
 *
 *      sent  ──▶  COMMAND  text ...  COMMAND_END
 *      said  ◀──  RESULT (more follow)  RESULT (last)
 *
 * Each side may come in any pieces, and commands before earlier ones have been
 * answered, up to MYSQL_FOLLOW_MAX of them.  What cannot be understood is LOST:
 * from then on nothing is told.  So are replication and cloning, whose answers
 * have no end.
 *
 * MySQL's manual: "Command Phase", "Text Resultset", "COM_STMT_PREPARE
 * Response", "COM_STMT_FETCH", "LOCAL INFILE Request", "Multi-Resultset";
 * MariaDB's: "Result set packets" (metadata that is cached), "COM_STMT_BULK".
 */
#ifndef CODEC_MYSQL_FOLLOW_H
#define CODEC_MYSQL_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/mysql_framer.h"

enum {
    MYSQL_FOLLOW_MAX =
        32, /* commands that wait for an answer; a power of two */
};

enum mysql_follow_event {
    MYSQL_FOLLOW_MORE,        /* all bytes are taken, and more has to come */
    MYSQL_FOLLOW_OTHER,       /* nothing of interest: go on */
    MYSQL_FOLLOW_COMMAND,     /* one begins: up.head, up.head_len bytes of it,
                                 are its byte and the first ones of its text */
    MYSQL_FOLLOW_COMMAND_END, /* it is whole */
    MYSQL_FOLLOW_RESULT,      /* `result` is over */
    MYSQL_FOLLOW_LOST,        /* once: nothing is told from here on */
};

/* Where the answer to the first command that waits is. */
enum mysql_follow_state {
    MYSQL_FOLLOW_START,   /* a result begins, or nothing waits */
    MYSQL_FOLLOW_COLUMNS, /* `left` packets, each of which describes one */
    MYSQL_FOLLOW_BREAK,   /* the EOF behind them */
    MYSQL_FOLLOW_ROWS,    /* up to an end */
};

struct mysql_follow_result {
    uint8_t command; /* that it answers; 0: none, the server spoke by itself */
    bool last;       /* the command is answered */
    bool told;       /* there is a status */
    uint16_t status; /* set of enum mysql_status, among others */
    uint16_t error;  /* its number; 0: it is none */
};

struct mysql_follow {
    uint32_t capabilities;
    uint32_t mariadb;
    struct mysql_framer up;
    struct mysql_framer down;
    bool lost;
    bool in_command; /* bytes that are sent are a command's text */
    bool in_file;    /* or those of a file that the server asked for */
    uint32_t begun;  /* commands that are answered, and how many have been */
    uint32_t answered;
    uint8_t commands[MYSQL_FOLLOW_MAX]; /* those that wait, by number */
    enum mysql_follow_state state;
    uint32_t left;                     /* packets of MYSQL_FOLLOW_COLUMNS */
    bool is_result;                    /* the packet under way ends a result */
    struct mysql_follow_result result; /* at RESULT */
};

/* Begins between two commands, or LOGGING_IN: behind a login, which is followed
 * as a change of user is.  CAPABILITIES and MARIADB hold on both sides. */
void mysql_follow_init(struct mysql_follow *f, uint32_t capabilities,
                       uint32_t mariadb, bool logging_in);

/* Take of the N bytes at P, which are sent or said, what comes before the next
 * event, and answer it; *USED is how many, N for MORE.  Go on with what is
 * left, even if it is nothing, until MORE.  Between COMMAND and COMMAND_END the
 * bytes that are taken are its text (and, in one of 16 MiB or more, the headers
 * of further packets). */
enum mysql_follow_event
mysql_follow_sent(struct mysql_follow *f, uint8_t *p, size_t n, size_t *used);
enum mysql_follow_event
mysql_follow_said(struct mysql_follow *f, uint8_t *p, size_t n, size_t *used);

/* Is there a command that is not yet answered, or not yet whole? */
bool mysql_follow_is_busy(const struct mysql_follow *f);

#endif
