/* SPDX-License-Identifier: MIT */
/*
 * What can be asked of a running program, as one table: the words, what follows
 * them, and a sentence. The dispatcher, `ctl help`, `moongate -h`, the error
 * for an unknown word and the completion of shells are made from it, and a spec
 * holds moongate(8) against it.
 *
 *     line ─▶ control_split ─▶ words ─▶ control_check ─▶ entry
 */
#ifndef APP_CONTROL_TABLE_H
#define APP_CONTROL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "board/render.h"

struct board;

enum {
    CONTROL_WORDS_MAX = 8,      /* of a command */
    CONTROL_COMMAND_MAX = 1024, /* bytes of one with its newline */
};

/* Who does it. */
enum control_place {
    CONTROL_BOARD,  /* it reads the board, by `render` */
    CONTROL_SERVER, /* server_command.h */
    CONTROL_SCRIPT, /* script_command.h */
    CONTROL_MASTER, /* the master is asked (master_request.h) */
    CONTROL_HELP,   /* it is the table itself */
    CONTROL_CLIENT, /* `moongate ctl`, out of answers to others */
};

typedef void (*control_render_fn)(struct buf *out, const struct board *board,
                                  enum render_format format);

/* The same in parts: up to ROWS of it; false: that was the last one. */
typedef bool (*control_part_fn)(struct buf *out, const struct board *board,
                                enum render_format format,
                                struct render_place *at, unsigned rows);

struct control_entry {
    const char *words;     /* one or two, a blank between them */
    const char *arguments; /* what follows, as it is shown; "": nothing */
    unsigned least;        /* words of it */
    unsigned most;
    enum control_place place;
    control_render_fn render; /* of CONTROL_BOARD */
    const char *sentence;
    control_part_fn part; /* what is long, besides `render`; or NULL */
};

/* A command may have several entries, one a form; they stand together and are
 * in one place. */
extern const struct control_entry control_entries[];
extern const size_t control_entry_count;

struct control_words {
    struct str word[CONTROL_WORDS_MAX]; /* into the line */
    unsigned count;
    bool too_many;
    bool json; /* --json was among them, and is not counted */
};

void control_split(struct control_words *out, struct str line);

/* How many words of ENTRY stand before its arguments. */
unsigned control_lead(const struct control_entry *entry);

/* The first entry that W is a command of, with as many arguments as it may
 * have. NULL: there is none, and what is wrong and what would be right are
 * appended to WHY, with a newline. */
const struct control_entry *
control_check(struct buf *why, const struct control_words *w,
              struct str line) MUST_CHECK;

/* The entries that begin with the words of W after its first, or all: a line
 * each, or JSON. false: there are none, and nothing is written. */
bool control_help(struct buf *out, const struct control_words *w) MUST_CHECK;

#endif
