/* SPDX-License-Identifier: MIT */
/*
 * A client's commands after its login: they pass as they are, but a change of
 * user is written anew, as the login was, since its answer is to a challenge
 * that no server knows (codec/mysql_change.h).
 *
 *      commands ─▶ [ ... | change user ] ─▶ [ ... | asks for a switch ] ─▶
 */
#ifndef PROXY_MYSQL_COMMANDS_H
#define PROXY_MYSQL_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/mysql_watch.h"
#include "net/buffer.h"

enum {
    MYSQL_CHANGE_MAX = BUFFER_SIZE / 2, /* bytes of a change of user */
};

struct mysql_commands {
    uint32_t client_can; /* capabilities that hold on the client's side */
    uint32_t server_can; /* and on the server's */
    struct mysql_watch watch;
    uint8_t kept[MYSQL_WATCH_KEPT_MAX];
    size_t change_len; /* of the change of user that is under way; 0: none */
    struct buf change; /* what is there of it */
};

/* Begins after a login. */
void mysql_commands_init(struct mysql_commands *c, uint32_t client_can,
                         uint32_t server_can);
void mysql_commands_fini(struct mysql_commands *c);

/* As pipe_sift_fn (tcp_pipe.h): N bytes are in BUFFER, behind HELD bytes of
 * room. How many are kept back now, or -1 with errno: a change of user that is
 * none, or too long. */
ssize_t mysql_commands_sift(struct mysql_commands *c, struct buffer *buffer,
                            size_t held, size_t n) MUST_CHECK;

#endif
