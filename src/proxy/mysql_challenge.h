/* SPDX-License-Identifier: MIT */
/*
 * A challenge ends with a NUL where a server asks for a switch. Most drivers of
 * caching_sha2_password insist on it, and leave it out of what they compute;
 * some take it for the challenge's 21st byte, so that the server finds their
 * digest wrong, and wrong as well a password of more than 20 bytes. Without a
 * proxy it goes unnoticed: they are seldom switched to the plugin that the
 * greeting names. Here they always are.
 */
#ifndef PROXY_MYSQL_CHALLENGE_H
#define PROXY_MYSQL_CHALLENGE_H

#include "codec/mysql_login.h"
#include "codec/mysql_switch.h"

/* Takes the NUL from REQUEST's challenge where the client of LOGIN is known to
 * compute with it: PyMySQL (newer ones bear both forms), and Go's driver before
 * 1.8. */
void mysql_challenge_fit(struct mysql_switch *request,
                         const struct mysql_login *login);

#endif
