/* SPDX-License-Identifier: MIT */
/*
 * The control socket: a client sends one command as a line and gets the answer,
 * which begins with a line "ok" or "error WHAT IS WRONG"; then the connection
 * ends.
 *
 *     show info --json\n   ──▶
 *                          ◀──   ok\n{"version": ...}\n
 */
#ifndef APP_CONTROL_SERVER_H
#define APP_CONTROL_SERVER_H

#include "base/list.h"
#include "base/mem.h"
#include "net/acceptor.h"
#include "net/loop.h"

struct board;

struct control_server {
    struct acceptor acceptor;
    struct loop *loop;
    struct board *board;
    int fd; /* -1: no control socket */
    struct list clients;
    unsigned client_count;
};

/* Serves on the listening socket FD, which stays the caller's; -1: on none.
 * 0, or -1 with errno. */
int control_server_start(struct control_server *s, struct loop *loop,
                         struct board *board, int fd) MUST_CHECK;

/* Ends it and every client at once. */
void control_server_stop(struct control_server *s);

#endif
