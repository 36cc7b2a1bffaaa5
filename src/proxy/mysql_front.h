/* SPDX-License-Identifier: MIT */
/*
 * What MySQL clients are greeted with before a server is chosen: what all
 * servers that they may come to have in common, as far as it is known
 * (board/greeting.h), and what becomes of that with the one that was chosen.
 *
 *      server, server ─▶ facts ─▶ greeting ─▶ client
 *      client's login ─▶ what it uses ── fits? ─▶ login to the server
 */
#ifndef PROXY_MYSQL_FRONT_H
#define PROXY_MYSQL_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "board/greeting.h"
#include "codec/mysql_greeting.h"
#include "codec/mysql_login.h"

struct upstream;

/* Before anything is known of any server: what MySQL 5.6 and MariaDB 10 and all
 * later ones have, and the version that says least. */
#define MYSQL_FRONT_VERSION "5.7.0-moongate"

enum {
    MYSQL_FRONT_CAPABILITIES =
        MYSQL_CAN_MYSQL | MYSQL_CAN_FOUND_ROWS | MYSQL_CAN_LONG_FLAG |
        MYSQL_CAN_SCHEMA | MYSQL_CAN_NO_SCHEMA | MYSQL_CAN_ODBC |
        MYSQL_CAN_LOCAL_FILES | MYSQL_CAN_SPACES | MYSQL_CAN_PROTOCOL_41 |
        MYSQL_CAN_INTERACTIVE | MYSQL_CAN_IGNORE_SIGPIPE |
        MYSQL_CAN_TRANSACTIONS | MYSQL_CAN_RESERVED | MYSQL_CAN_CHALLENGE |
        MYSQL_CAN_MULTI_STATEMENTS | MYSQL_CAN_MULTI_RESULTS |
        MYSQL_CAN_PS_RESULTS | MYSQL_CAN_PLUGINS | MYSQL_CAN_ATTRIBUTES |
        MYSQL_CAN_LENENC,
    /* Never told for a server: bytes that are compressed could not be followed,
     * one plugin after another is not known here, and TLS is each side's own.
     */
    MYSQL_FRONT_NEVER = MYSQL_CAN_TLS | MYSQL_CAN_COMPRESS | MYSQL_CAN_ZSTD |
                        MYSQL_CAN_FACTORS | MYSQL_CAN_EXTENSION,
    /* MySQL's clients keep the bits above for themselves. */
    MYSQL_FRONT_WIRE = 0x3fffffff,
};

/* What a greeting tells. */
struct greeting_facts mysql_front_facts(const struct mysql_greeting *greeting);

/* What UPSTREAM's servers that are known have in common, and the lowest of
 * their versions. The plugin is that of most of them, as far as clients answer
 * it with a digest: some give it the password itself, which is not for us. */
void
mysql_front_common(struct greeting_facts *out, const struct upstream *upstream);

/* Appends a greeting with these facts, THREAD_ID, and a challenge that nobody
 * will look at. 0, or -1 with errno. */
int mysql_front_greet(struct buf *to, const struct greeting_facts *facts,
                      uint32_t thread_id) MUST_CHECK;

/* Leaves of a client's capabilities those that it was told. */
void mysql_front_settle(struct mysql_login *login,
                        const struct greeting_facts *told);

/* Has LOGIN ask for a switch: without an answer, in the name of a plugin that
 * no server has. */
void mysql_front_ask(struct mysql_login *login);

/* Makes of the settled LOGIN what goes to a server with FACTS, and asks
 * for a switch. false: the client uses what this server lacks, or it cannot
 * switch; *WHY in words. */
bool mysql_front_login(struct mysql_login *login,
                       const struct greeting_facts *facts, const char **why);

#endif
