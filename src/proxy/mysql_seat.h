/* SPDX-License-Identifier: MIT */
/*
 * A visible MySQL session's seat on the board (board/seats.h), and what it is
 * for: a client that interrupts a statement logs in a second time, and ends the
 * first connection or its statement by the number that it was told.
 *
 *     client ──▶ moongate ──▶ db2        SELECT SLEEP(60)
 *       ^C   ──▶ moongate ──▶ db2        KILL QUERY 2147483700 ─▶ KILL QUERY 17
 *
 * The second login goes where the first session is, and there the number
 * becomes the server's own. What a user may end is the server's to say.
 */
#ifndef PROXY_MYSQL_SEAT_H
#define PROXY_MYSQL_SEAT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct mysql_kill;
struct tcp_session;

/* The client has logged in: takes a seat for it, if there is one, and gives it
 * back. */
void mysql_seat_take(struct tcp_session *s);
void mysql_seat_give(struct tcp_session *s);

/* Commands or answers have passed: tells the board what has changed. */
void mysql_seat_note(struct tcp_session *s);

/* Sends a login to the server where the one session that its client has is
 * busy, if that server takes it. */
void mysql_seat_route(struct tcp_session *s);

/* As mysql_commands_kill_fn; ARG is the session. */
bool mysql_seat_kill(void *arg, const struct mysql_kill *kill, size_t text_at,
                     struct buf *to);

#endif
