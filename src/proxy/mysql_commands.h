/* SPDX-License-Identifier: MIT */
/*
 * A client's commands after its login: they pass as they are, but for two. A
 * change of user is written anew, as the login was, since its answer is to a
 * challenge that no server knows (codec/mysql_change.h). What ends another
 * connection may name one by a number that its server does not know
 * (codec/mysql_kill.h): what becomes of it the owner says.
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

struct mysql_kill;

enum {
    MYSQL_CHANGE_MAX = BUFFER_SIZE / 2, /* bytes of a change of user */
    MYSQL_COMMANDS_ROOM = 512, /* bytes of a buffer that a read leaves free: a
                                  KILL whose beginning came before fits */
};

/* Appends the command that goes on in place of KILL, where TEXT_AT is as in
 * codec/mysql_kill.h. false: it goes on as it is. */
typedef bool (*mysql_commands_kill_fn)(void *arg, const struct mysql_kill *kill,
                                       size_t text_at, struct buf *to);

struct mysql_commands_conf {
    uint32_t client_can;         /* capabilities that hold on its side */
    uint32_t server_can;         /* and on the server's */
    bool no_change;              /* of the user: the session ends */
    mysql_commands_kill_fn kill; /* NULL: nobody asks for them */
    void *kill_arg;
};

struct mysql_commands {
    struct mysql_commands_conf conf;
    struct mysql_watch watch;
    uint8_t kept[MYSQL_WATCH_KEPT_MAX];
    enum mysql_watch_stop what; /* is taken out */
    size_t packet_len;          /* of it; 0: nothing is */
    struct buf packet;          /* what is there of it */
};

/* Begins after a login. */
void mysql_commands_init(struct mysql_commands *c,
                         const struct mysql_commands_conf *conf);
void mysql_commands_fini(struct mysql_commands *c);

/* As pipe_sift_fn (tcp_pipe.h): N bytes are in BUFFER, behind HELD bytes of
 * room. How many are kept back now, or -1 with errno: a change of user that is
 * none, or too long. */
ssize_t mysql_commands_sift(struct mysql_commands *c, struct buffer *buffer,
                            size_t held, size_t n) MUST_CHECK;

#endif
