/* SPDX-License-Identifier: MIT */
/*
 * A server as the outputs show it: its row and its counts, read once, so that
 * the numbers of a line belong together.
 */
#ifndef BOARD_SERVER_LINE_H
#define BOARD_SERVER_LINE_H

#include <stdbool.h>

#include "base/str.h"
#include "board/counters.h"
#include "board/rows.h"
#include "board/view.h"

enum {
    SERVER_LINE_STATE_MAX = 40, /* bytes of a state in words */
};

/* What is to be said of it in one word, or colour. */
enum server_state {
    SERVER_STATE_UP,
    SERVER_STATE_GOING_DOWN,
    SERVER_STATE_GOING_UP,
    SERVER_STATE_DOWN,
    SERVER_STATE_DRAIN,
    SERVER_STATE_MAINT,
    SERVER_STATE_NO_CHECK, /* nobody has looked; it is taken to be up */
    SERVER_STATES,         /* how many there are */
};

struct server_line {
    struct str upstream;
    struct str name;
    const struct server_row *row;
    struct server_view view;
    struct server_totals totals;
    bool chosen; /* by its policy, for all work of the upstream */
    enum server_state state;
    int32_t count; /* of checks so far: going down, going up */
    int32_t limit; /* how many it takes */
};

/* Reads row I; false: it is not in use. */
bool
server_line_read(struct server_line *out, const struct board *b, unsigned i);

/* "up", "going down 1/3", "drain": as HAProxy's page has it, in words. TEXT may
 * be written to. */
const char *server_line_state(char text[SERVER_LINE_STATE_MAX + 1],
                              const struct server_line *line);

/* "chosen", "backup" or "-" */
const char *server_line_role(const struct server_line *line);

#endif
