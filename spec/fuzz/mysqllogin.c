/* SPDX-License-Identifier: MIT */
/*
 * Handshakes of MySQL: the bytes are one payload for every reader. Texts lie in
 * it, nothing is read beyond it, and what was read is written so that it is
 * read the same: greetings, logins, COM_CHANGE_USER, switches.
 */
#include "codec/mysql_answer.h"
#include "codec/mysql_change.h"
#include "codec/mysql_greeting.h"
#include "codec/mysql_login.h"
#include "codec/mysql_switch.h"

#include "mysql.h"

enum {
    SPACE = 16384, /* bytes of a packet that is written */
};

static char space[SPACE];

/* The payload of the one packet in OUT, in a copy of its own. */
static uint8_t *
payload_of(const struct buf *out, size_t *n)
{
    struct mysql_packet packet;

    FUZZ_CHECK(mysql_read_packet(&packet, (const uint8_t *)out->p, out->len,
                                 SPACE) == (ssize_t)out->len);
    *n = packet.len;
    return fuzz_copy(packet.p, packet.len);
}

static void
check_greeting(const uint8_t *p, size_t n)
{
    struct mysql_greeting greeting, again;
    struct buf out;
    uint8_t *copy;

    if (!fuzz_is_taken(mysql_read_greeting(&greeting, p, n), n))
        return;
    FUZZ_CHECK(fuzz_is_text_of(greeting.version, p, n));
    FUZZ_CHECK(fuzz_is_text_of(mysql_bare_version(greeting.version), p, n));
    FUZZ_CHECK(fuzz_is_text_of(greeting.plugin, p, n));
    FUZZ_CHECK(greeting.challenge_len >= MYSQL_CHALLENGE_LEN);
    buf_init(&out, space, sizeof(space));
    mysql_write_greeting(&out, &greeting);
    if (out.failed)
        return;
    copy = payload_of(&out, &n);
    FUZZ_CHECK(fuzz_is_taken(mysql_read_greeting(&again, copy, n), n));
    FUZZ_CHECK(str_equal(greeting.version, again.version));
    FUZZ_CHECK(str_equal(greeting.plugin, again.plugin));
    FUZZ_CHECK(greeting.challenge_len == again.challenge_len);
    FUZZ_CHECK(memcmp(greeting.challenge, again.challenge,
                      greeting.challenge_len) == 0);
    FUZZ_CHECK(greeting.capabilities == again.capabilities);
    FUZZ_CHECK(greeting.mariadb == again.mariadb);
    FUZZ_CHECK(greeting.thread_id == again.thread_id);
    FUZZ_CHECK(greeting.status == again.status);
    FUZZ_CHECK(greeting.charset == again.charset);
    free(copy);
}

static void
check_fields(const struct mysql_login *login, const uint8_t *p, size_t n)
{
    struct str block = login->attributes;
    struct mysql_attribute attribute;

    FUZZ_CHECK(fuzz_is_text_of(login->user, p, n));
    FUZZ_CHECK(fuzz_is_text_of(login->answer, p, n));
    FUZZ_CHECK(fuzz_is_text_of(login->schema, p, n));
    FUZZ_CHECK(fuzz_is_text_of(login->plugin, p, n));
    FUZZ_CHECK(fuzz_is_text_of(block, p, n));
    while (mysql_next_attribute(&attribute, &block)) {
        FUZZ_CHECK(fuzz_is_text_of(attribute.name, p, n));
        FUZZ_CHECK(fuzz_is_text_of(attribute.value, p, n));
        FUZZ_CHECK(mysql_find_attribute(login->attributes, attribute.name).p !=
                   NULL);
    }
    FUZZ_CHECK(block.len == 0);
    FUZZ_CHECK(login->user.len <= MYSQL_NAME_MAX &&
               login->schema.len <= MYSQL_NAME_MAX &&
               login->plugin.len <= MYSQL_NAME_MAX);
}

/* What both ways of logging in tell. */
static void
check_same(const struct mysql_login *a, const struct mysql_login *b)
{
    FUZZ_CHECK(str_equal(a->user, b->user));
    FUZZ_CHECK(str_equal(a->answer, b->answer));
    FUZZ_CHECK(str_equal(a->schema, b->schema));
    FUZZ_CHECK(str_equal(a->plugin, b->plugin));
    FUZZ_CHECK(str_equal(a->attributes, b->attributes));
    FUZZ_CHECK(a->charset == b->charset);
}

static void
check_tls_request(const struct mysql_login *login)
{
    struct mysql_login again;
    struct buf out;
    uint8_t *copy;
    size_t n;

    buf_init(&out, space, sizeof(space));
    mysql_write_tls_request(&out, 1, login);
    FUZZ_CHECK(!out.failed);
    copy = payload_of(&out, &n);
    FUZZ_CHECK(fuzz_is_taken(mysql_read_login(&again, copy, n), n));
    FUZZ_CHECK(again.tls_request && again.max_packet == login->max_packet);
    free(copy);
}

static void
check_login(const uint8_t *p, size_t n)
{
    struct mysql_login login, again;
    struct buf out;
    uint8_t *copy;

    if (!fuzz_is_taken(mysql_read_login(&login, p, n), n))
        return;
    check_fields(&login, p, n);
    check_tls_request(&login);
    if (login.tls_request) {
        FUZZ_CHECK(login.user.p == NULL);
        return;
    }
    buf_init(&out, space, sizeof(space));
    mysql_write_login(&out, 1, &login);
    if (out.failed)
        return;
    copy = payload_of(&out, &n);
    FUZZ_CHECK(fuzz_is_taken(mysql_read_login(&again, copy, n), n));
    check_same(&login, &again);
    FUZZ_CHECK(login.mariadb == again.mariadb);
    FUZZ_CHECK(login.max_packet == again.max_packet);
    FUZZ_CHECK(login.zstd_level == again.zstd_level);
    free(copy);
}

static void
check_change(const uint8_t *p, size_t n, uint32_t capabilities)
{
    struct mysql_login login, again;
    struct buf out;
    uint8_t *copy;

    if (!fuzz_is_taken(mysql_read_change(&login, p, n, capabilities), n))
        return;
    check_fields(&login, p, n);
    buf_init(&out, space, sizeof(space));
    mysql_write_change(&out, &login);
    FUZZ_CHECK(!out.failed);
    copy = payload_of(&out, &n);
    FUZZ_CHECK(
        fuzz_is_taken(mysql_read_change(&again, copy, n, capabilities), n));
    check_same(&login, &again);
    free(copy);
}

static void
check_switch(const uint8_t *p, size_t n)
{
    struct mysql_switch request, again;
    struct buf out;
    uint8_t *copy;

    if (!fuzz_is_taken(mysql_read_switch(&request, p, n), n))
        return;
    FUZZ_CHECK(request.old == (n == 1));
    FUZZ_CHECK(request.old || fuzz_is_text_of(request.plugin, p, n));
    FUZZ_CHECK(fuzz_is_text_of(request.data, p, n));
    buf_init(&out, space, sizeof(space));
    mysql_write_switch(&out, 2, &request);
    copy = payload_of(&out, &n);
    FUZZ_CHECK(fuzz_is_taken(mysql_read_switch(&again, copy, n), n));
    FUZZ_CHECK(str_equal(request.plugin, again.plugin));
    FUZZ_CHECK(str_equal(request.data, again.data));
    FUZZ_CHECK(request.old == again.old);
    free(copy);
}

static void
check_more(const uint8_t *p, size_t n)
{
    struct str said;

    if (fuzz_is_taken(mysql_read_more(&said, p, n), n))
        FUZZ_CHECK(fuzz_is_text_of(said, p, n) && said.len == n - 1);
}

void
fuzz_mysqllogin(const uint8_t *p, size_t n)
{
    static const uint32_t changes[] = {
        0,
        MYSQL_CAN_CHALLENGE,
        MYSQL_CAN_CHALLENGE | MYSQL_CAN_PLUGINS | MYSQL_CAN_ATTRIBUTES,
        UINT32_MAX,
    };

    check_greeting(p, n);
    check_login(p, n);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        check_change(p, n, changes[i]);
    check_switch(p, n);
    check_more(p, n);
}
