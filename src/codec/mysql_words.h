/* SPDX-License-Identifier: MIT */
/*
 * The words of statements that pass by, in any pieces: does one bind the
 * session to its connection, so that something would be lost with it?
 *
 *      comment  SELECT ... ; SET ...
 *               first word   that of a later one
 *
 * A session is bound by SET, PREPARE, EXECUTE, LOCK, FLUSH, HANDLER, USE, XA
 * and CALL, by CREATE ... TEMPORARY, by GET_LOCK, ":=" and INTO @ anywhere, and
 * by every first word that is not known to be harmless.  Quotes are not looked
 * at, so text may bind, too: that is an error on the safe side.
 *
 * A caller adds what goes by the binary protocol: COM_PREPARE, COM_INIT_DB and
 * COM_SET_OPTION bind; COM_RESET and COM_CHANGE_USER unbind.
 */
#ifndef CODEC_MYSQL_WORDS_H
#define CODEC_MYSQL_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MYSQL_WORD_MAX = 12,   /* bytes of a first word that are kept */
    MYSQL_WORDS_TAIL = 16, /* bytes of a piece that are looked at again with the
                              next one: longer than all that is searched for */
};

/* Where the scanner is. */
enum mysql_words_state {
    MYSQL_WORDS_BLANK,  /* before a statement's first word */
    MYSQL_WORDS_SLASH,  /* a slash there */
    MYSQL_WORDS_OPENED, /* the begin of a comment */
    MYSQL_WORDS_INSIDE, /* in a comment */
    MYSQL_WORDS_STAR,   /* in a comment, behind a star */
    MYSQL_WORDS_LINE,   /* in a comment up to the line's end */
    MYSQL_WORDS_WORD,   /* in the first word */
    MYSQL_WORDS_BODY,   /* behind it */
};

struct mysql_words {
    bool bound;    /* it is: from then on only USE is looked for */
    bool uses;     /* a USE was seen in this command */
    bool several;  /* a ';' may be followed by another statement */
    bool later;    /* this one follows another one */
    bool creating; /* a CREATE was seen in this command */
    bool begins;   /* its first word was BEGIN */
    enum mysql_words_state state;
    uint8_t word_len;
    uint8_t tail_len;
    size_t body_len; /* bytes behind the first word */
    char word[MYSQL_WORD_MAX];
    uint8_t tail[MYSQL_WORDS_TAIL];
};

/* Begins with the text of another command; `bound` stays as it is. */
void mysql_words_begin(struct mysql_words *words, bool several);

/* N more bytes of the text. */
void mysql_words_add(struct mysql_words *words, const uint8_t *p, size_t n);

/* It is whole. */
void mysql_words_end(struct mysql_words *words);

#endif
