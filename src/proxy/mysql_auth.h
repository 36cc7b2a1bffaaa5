/* SPDX-License-Identifier: MIT */
/*
 * The server's side of a MySQL login: its greeting, the login in the client's
 * name, and what the two then say to each other, until they are joined. A
 * server that is of no use is left for another one as long as none of its words
 * has reached the client.
 */
#ifndef PROXY_MYSQL_AUTH_H
#define PROXY_MYSQL_AUTH_H

#include "codec/mysql.h"
#include "proxy/mysql_entry.h"

/* The server's first packet. */
void
mysql_auth_greeting(struct tcp_session *s, const struct mysql_packet *packet);

/* The login in the client's name, without an answer: the server asks for a
 * switch to the plugin that the user has. Behind the greeting, or TLS. */
void mysql_auth_log_in(struct tcp_session *s);

/* Its packets from then on. */
void
mysql_auth_answer(struct tcp_session *s, const struct mysql_packet *packet);

/* The client's packets behind its login. */
void
mysql_auth_client(struct tcp_session *s, const struct mysql_packet *packet);

/* No more packets come from the server. */
void mysql_auth_cut(struct tcp_session *s, enum mysql_leg_result result);

/* The server is of no use, for WHY; OBSERVE: it has failed. */
void mysql_auth_give_up(struct tcp_session *s, bool observe, const char *why);

#endif
