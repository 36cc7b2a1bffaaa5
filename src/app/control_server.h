/* SPDX-License-Identifier: MIT */
/*
 * The control socket: a client sends one command as a line and gets the answer,
 * which begins with a line "ok" or "error WHAT IS WRONG"; then the connection
 * ends.
 *
 *     show info --json\n   ──▶
 *                          ◀──   ok\n{"version": ...}\n
 *
 * What others have to do first is answered later, under the client's ticket.
 */
#ifndef APP_CONTROL_SERVER_H
#define APP_CONTROL_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/acceptor.h"
#include "net/loop.h"

struct board;

enum {
    CONTROL_LATER_SECONDS = 120, /* until an answer that comes later is given
                                    up; whoever asks waits as long */
};

/* Asks somebody else, who answers client TICKET later by control_server_answer;
 * 0, or -1 with errno. */
typedef int (*control_ask_fn)(void *arg, uint32_t ticket, struct str text);

struct control_server {
    struct acceptor acceptor;
    struct loop *loop;
    struct board *board;
    int fd; /* -1: no control socket */
    control_ask_fn ask;
    void *ask_arg;
    uint32_t last_ticket;
    struct list clients;
    unsigned client_count;
};

/* Serves on the listening socket FD, which stays the caller's; -1: on none.
 * What the board cannot answer is for ASK. 0, or -1 with errno. */
int control_server_start(struct control_server *s, struct loop *loop,
                         struct board *board, int fd, control_ask_fn ask,
                         void *ask_arg) MUST_CHECK;

/* Answers the client that waits under TICKET; if it has left, nobody. */
void control_server_answer(struct control_server *s, uint32_t ticket,
                           struct str text);

/* Takes no more clients: another program does. */
void control_server_pause(struct control_server *s);

/* Is there a client who has asked, or may be about to, and is not answered yet?
 * Not counted are those whom somebody else keeps waiting. */
bool control_server_is_asked(const struct control_server *s);

/* Ends it and every client at once. */
void control_server_stop(struct control_server *s);

#endif
