/* SPDX-License-Identifier: MIT */
/*
 * COM_CHANGE_USER: another login on a connection that has one. The server
 * answers as to the first: a switch, OK or ERR.
 *
 *      0x11  user  answer  schema  [charset  [plugin]  [attributes]]
 *
 * The answer is to the challenge of the greeting, or of the last switch: behind
 * a proxy that greeted with a challenge of its own, no server can take it. So
 * the command is written anew, as the first login was.
 *
 * MySQL's manual: "COM_CHANGE_USER"; MariaDB's: "COM_CHANGE_USER".
 */
#ifndef CODEC_MYSQL_CHANGE_H
#define CODEC_MYSQL_CHANGE_H

#include "codec/mysql_login.h"

/* Reads the command; what is in it depends on the CAPABILITIES that the login
 * settled, which are the result's. It has no max_packet, no zstd_level and
 * nothing of MariaDB's. Clients older than 5.1 end with the schema, and
 * attributes may be absent. */
ssize_t
mysql_read_change(struct mysql_login *out, const uint8_t *p, size_t n,
                  uint32_t capabilities) __attribute__((warn_unused_result));

/* Appends the command, number 0, for the capabilities in LOGIN, which the login
 * settled: they cannot be changed, so a plugin or attributes that are absent
 * are written empty. Sets to->failed for a NUL in a name, and for an answer
 * that is over 255 bytes, or has a NUL and no MYSQL_CAN_CHALLENGE. */
void mysql_write_change(struct buf *to, const struct mysql_login *login);

#endif
