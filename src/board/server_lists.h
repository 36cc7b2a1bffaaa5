/* SPDX-License-Identifier: MIT */
/*
 * Which servers each upstream has, in the order of their rows: made once where
 * all upstreams are shown, since rows say it the other way about.
 */
#ifndef BOARD_SERVER_LISTS_H
#define BOARD_SERVER_LISTS_H

#include "base/mem.h"

struct board;

enum {
    SERVER_LISTS_END = -1, /* there is no further row */
};

struct server_lists {
    int *first; /* [upstream] */
    int *next;  /* [server] */
};

/* 0, or -1 without memory. End with server_lists_fini either way. */
int
server_lists_init(struct server_lists *lists, const struct board *b) MUST_CHECK;
void server_lists_fini(struct server_lists *lists);

#endif
