/* SPDX-License-Identifier: MIT */
/*
 * The terminal that `ctl top` draws on: keys come without a line's end, the
 * screen is another than the shell's, and both are given back on every way out
 * but SIGKILL.
 *
 *     open ─▶ wait ─▶ key, signal, time ─▶ draw ─▶ ... ─▶ close
 */
#ifndef APP_TOP_TERMINAL_H
#define APP_TOP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/mem.h"
#include "base/str.h"

enum top_event {
    TOP_TIME,      /* nothing has come in time */
    TOP_QUIT,      /* q, or a signal that ends */
    TOP_SORT,      /* s */
    TOP_UP,        /* an arrow, or k */
    TOP_DOWN,      /* an arrow, or j */
    TOP_PAGE_UP,   /* that key, or b */
    TOP_PAGE_DOWN, /* that key, or a blank */
    TOP_FIRST,     /* Home */
    TOP_LAST,      /* End */
    TOP_REDRAW,    /* it has another size, or was away */
};

enum {
    TOP_TYPED_MAX = 64, /* bytes that are typed ahead */
};

struct top_terminal {
    struct termios before;
    int signals; /* a signalfd */
    bool colour;
    unsigned width;
    unsigned height;
    char typed[TOP_TYPED_MAX];
    size_t typed_len;
};

/* Are standard input and output one? */
bool top_terminal_is_there(void);

/* Takes it; 0, or -1 with errno and all as it was. */
int top_terminal_open(struct top_terminal *t) MUST_CHECK;

/* Gives it back. */
void top_terminal_close(struct top_terminal *t);

/* What comes next, within MS. */
enum top_event top_terminal_wait(struct top_terminal *t, int ms);

/* Shows TEXT, lines that end with CR LF, from the top. */
void top_terminal_draw(const struct top_terminal *t, struct str text);

#endif
