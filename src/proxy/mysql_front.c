/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_front.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "codec/mysql_switch.h"
#include "proxy/engine.h"
#include "proxy/upstream.h"

/* What changes nothing in what bytes mean, so that a server may lack it. */
enum {
    HARMLESS = MYSQL_CAN_MYSQL | MYSQL_CAN_ODBC | MYSQL_CAN_IGNORE_SIGPIPE |
               MYSQL_CAN_RESERVED | MYSQL_CAN_INTERACTIVE |
               MYSQL_CAN_ATTRIBUTES | MYSQL_CAN_LENENC | MYSQL_CAN_EXPIRED |
               MYSQL_CAN_SCHEMA,
    /* A server that does not know these sends and takes nothing else. */
    HARMLESS_MARIADB = MYSQL_MARIADB_PROGRESS | MYSQL_MARIADB_MULTI,
};

/* A switch to the user's own plugin is what a server answers to it. */
#define NOBODYS_PLUGIN "moongate_switch"

struct greeting_facts
mysql_front_facts(const struct mysql_greeting *greeting)
{
    struct greeting_facts facts = {
        .capabilities = greeting->capabilities,
        .mariadb = greeting->mariadb,
        .charset = greeting->charset,
        .sha2 = str_equal(greeting->plugin, STR(MYSQL_SHA2_PLUGIN)),
    };

    greeting_set_version(&facts, greeting->version);
    return facts;
}

/* Is the version A lower than B? As far as their numbers say. */
static bool
is_lower(const char *a, const char *b)
{
    struct str left = mysql_bare_version(str_from(a));
    struct str right = mysql_bare_version(str_from(b));
    const char *p = left.p, *q = right.p;

    for (int part = 0; part < 3; part++) {
        char *p_end, *q_end;
        unsigned long m = strtoul(p, &p_end, 10);
        unsigned long n = strtoul(q, &q_end, 10);

        if (m != n)
            return m < n;
        if (*p_end != '.' || *q_end != '.')
            return false;
        p = p_end + 1;
        q = q_end + 1;
    }
    return false;
}

static void
meet(struct greeting_facts *common, const struct greeting_facts *facts)
{
    common->capabilities &= facts->capabilities;
    common->mariadb &= facts->mariadb;
    if (is_lower(facts->version, common->version)) {
        memcpy(common->version, facts->version, sizeof(common->version));
        common->charset = facts->charset;
    }
}

void
mysql_front_common(struct greeting_facts *out, const struct upstream *upstream)
{
    const struct board *board = upstream->engine->board;
    struct greeting_facts facts;
    unsigned known = 0, sha2 = 0;
    bool mysql = false; /* one of them is no MariaDB */

    for (unsigned i = 0; i < upstream->server_count; i++) {
        if (!greeting_read(board, upstream->servers[i].row, &facts))
            continue;
        /* Nobody comes to one that cannot switch: what it lacks is not taken
         * from the others. */
        if ((facts.capabilities & MYSQL_CAN_PLUGINS) == 0)
            continue;
        mysql = mysql || (facts.capabilities & MYSQL_CAN_MYSQL) != 0;
        sha2 += facts.sha2;
        if (known++ > 0)
            meet(out, &facts);
        else
            *out = facts;
    }
    if (known == 0) {
        *out = (struct greeting_facts){
            .capabilities = MYSQL_FRONT_CAPABILITIES,
            .charset = MYSQL_UTF8MB4,
        };
        greeting_set_version(out, STR(MYSQL_FRONT_VERSION));
    }
    /* Where a MySQL is among them, clients may not take it for MariaDB, whose
     * logins have fields of their own. */
    if (mysql) {
        out->capabilities |= MYSQL_CAN_MYSQL;
        out->mariadb = 0;
    }
    out->capabilities &= MYSQL_FRONT_WIRE & ~(uint32_t)MYSQL_FRONT_NEVER;
    out->capabilities |= MYSQL_CAN_PLUGINS;
    out->sha2 = 2 * sha2 > known;
}

/* Clients take it up to a NUL. */
static int
make_challenge(struct mysql_greeting *greeting)
{
    uint8_t *p = greeting->challenge;

    greeting->challenge_len = MYSQL_CHALLENGE_LEN;
    if (getrandom(p, MYSQL_CHALLENGE_LEN, GRND_NONBLOCK) < 0)
        return -1;
    for (int i = 0; i < MYSQL_CHALLENGE_LEN; i++)
        p[i] = (uint8_t)('!' + p[i] % ('~' - '!' + 1));
    return 0;
}

/* Over TLS libmariadb gives caching_sha2_password the password itself. */
static struct str
plugin_of(const struct greeting_facts *facts)
{
    if (facts->sha2 && (facts->capabilities & MYSQL_CAN_TLS) == 0)
        return STR(MYSQL_SHA2_PLUGIN);
    return STR("mysql_native_password");
}

int
mysql_front_greet(struct buf *to, const struct greeting_facts *facts,
                  uint32_t thread_id)
{
    struct mysql_greeting greeting = {
        .version = str_from(facts->version),
        .thread_id = thread_id,
        .capabilities = facts->capabilities,
        .mariadb = facts->mariadb,
        .charset = facts->charset,
        .status = 2, /* SERVER_STATUS_AUTOCOMMIT */
        .plugin = plugin_of(facts),
    };

    if (make_challenge(&greeting) < 0)
        return -1;
    mysql_write_greeting(to, &greeting);
    if (!to->failed)
        return 0;
    errno = ENOMEM;
    return -1;
}

void
mysql_front_settle(struct mysql_login *login, const struct greeting_facts *told)
{
    /* What MariaDB's clients leave out, and others set, whoever they talk to.
     */
    login->capabilities &= told->capabilities | MYSQL_CAN_MYSQL;
    /* It is the one thing that holds on one side alone. */
    login->capabilities &= ~(uint32_t)MYSQL_CAN_TLS;
    login->mariadb &= told->mariadb;
}

void
mysql_front_ask(struct mysql_login *login)
{
    login->plugin = STR(NOBODYS_PLUGIN);
    login->answer = STR("");
}

bool
mysql_front_login(struct mysql_login *login, const struct greeting_facts *facts,
                  const char **why)
{
    uint32_t missing = login->capabilities & ~facts->capabilities;
    uint32_t missing_mariadb = login->mariadb & ~facts->mariadb;

    *why = "it is too old to switch the authentication";
    if ((facts->capabilities & MYSQL_CAN_PLUGINS) == 0)
        return false;
    *why = "it lacks what the client was told before";
    if ((missing & ~(uint32_t)HARMLESS) != 0 ||
        (missing_mariadb & ~(uint32_t)HARMLESS_MARIADB) != 0)
        return false;
    login->capabilities &= facts->capabilities | MYSQL_CAN_MYSQL;
    login->mariadb &= facts->mariadb;
    if ((facts->capabilities & MYSQL_CAN_MYSQL) != 0)
        login->capabilities |= MYSQL_CAN_MYSQL;
    /* Some clients do not tell that they can, and switch all the same. */
    login->capabilities |= MYSQL_CAN_PLUGINS;
    mysql_front_ask(login);
    return true;
}
