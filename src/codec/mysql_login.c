/* SPDX-License-Identifier: MIT */
#include "codec/mysql_login.h"

#include "base/wire.h"
#include "codec/mysql_cursor.h"

enum {
    HEAD_LEN = 32,    /* bytes before the user */
    FILLER = 19,      /* of them are reserved, before MariaDB's capabilities */
    OLD_HEAD_LEN = 5, /* bytes before the user in the form before 4.1 */
};

int
mysql_check_login(const struct mysql_login *login)
{
    if (login->user.len > MYSQL_NAME_MAX ||
        login->schema.len > MYSQL_NAME_MAX ||
        login->plugin.len > MYSQL_NAME_MAX)
        return MYSQL_E_NAME;
    if (!mysql_attributes_are_whole(login->attributes))
        return MYSQL_E_ATTRIBUTES;
    return 0;
}

struct str
mysql_take_answer(struct mysql_cursor *c, uint32_t capabilities)
{
    if ((capabilities & MYSQL_CAN_LENENC) != 0)
        return mysql_take_text(c);
    if ((capabilities & MYSQL_CAN_CHALLENGE) != 0)
        return mysql_take_bytes(c, mysql_take_u8(c));
    return mysql_take_cstring(c);
}

void
mysql_write_answer(struct buf *to, uint32_t capabilities, struct str answer)
{
    if ((capabilities & MYSQL_CAN_LENENC) != 0) {
        mysql_write_text(to, answer);
        return;
    }
    if ((capabilities & MYSQL_CAN_CHALLENGE) == 0) {
        mysql_write_cstring(to, answer);
        return;
    }
    if (answer.len > UINT8_MAX)
        to->failed = true;
    mysql_write_u8(to, (uint8_t)answer.len);
    buf_str(to, answer);
}

static void
take_login(struct mysql_login *login, struct mysql_cursor *c, size_t n)
{
    uint32_t capabilities = mysql_take_u32(c);

    login->capabilities = capabilities;
    login->max_packet = mysql_take_u32(c);
    login->charset = mysql_take_u8(c);
    mysql_take_bytes(c, FILLER);
    login->mariadb = mysql_take_u32(c);
    if ((capabilities & MYSQL_CAN_MYSQL) != 0)
        login->mariadb = 0;
    login->tls_request = n == HEAD_LEN && (capabilities & MYSQL_CAN_TLS) != 0;
    if (login->tls_request)
        return;
    login->user = mysql_take_cstring(c);
    login->answer = mysql_take_answer(c, capabilities);
    if ((capabilities & MYSQL_CAN_SCHEMA) != 0)
        login->schema = mysql_take_cstring(c);
    if ((capabilities & MYSQL_CAN_PLUGINS) != 0)
        login->plugin = mysql_take_last(c);
    if ((capabilities & MYSQL_CAN_ATTRIBUTES) != 0)
        login->attributes = mysql_take_text(c);
    if ((capabilities & MYSQL_CAN_ZSTD) != 0)
        login->zstd_level = mysql_take_u8(c);
}

/* The form before 4.1, whose last text has no NUL. */
static void
take_old_login(struct mysql_login *login, struct mysql_cursor *c, size_t n)
{
    uint32_t capabilities = mysql_take_u16(c);

    login->capabilities = capabilities;
    login->max_packet = mysql_take_u24(c);
    login->tls_request =
        n == OLD_HEAD_LEN && (capabilities & MYSQL_CAN_TLS) != 0;
    if (login->tls_request)
        return;
    login->user = mysql_take_cstring(c);
    if ((capabilities & MYSQL_CAN_SCHEMA) != 0) {
        login->answer = mysql_take_cstring(c);
        login->schema = mysql_take_last(c);
    } else {
        login->answer = mysql_take_last(c);
    }
}

ssize_t
mysql_read_login(struct mysql_login *out, const uint8_t *p, size_t n)
{
    struct mysql_login login = {.charset = 0};
    struct mysql_cursor c;
    int error;

    if (n > MYSQL_LOGIN_MAX)
        return MYSQL_E_LENGTH;
    mysql_cursor_init(&c, p, n);
    if (n >= 2 && (wire_get_u16le(p) & MYSQL_CAN_PROTOCOL_41) == 0)
        take_old_login(&login, &c, n);
    else
        take_login(&login, &c, n);
    if (c.failed)
        return MYSQL_E_CUT;
    error = mysql_check_login(&login);
    if (error != 0)
        return error;
    *out = login;
    return (ssize_t)n;
}

/* The capabilities that stand for a field: with it, or without. */
static uint32_t
login_capabilities(const struct mysql_login *login)
{
    uint32_t set = login->capabilities;

    set |= MYSQL_CAN_PROTOCOL_41 | MYSQL_CAN_CHALLENGE;
    if (login->schema.p == NULL)
        set &= ~(uint32_t)MYSQL_CAN_SCHEMA;
    if (login->plugin.p == NULL)
        set &= ~(uint32_t)MYSQL_CAN_PLUGINS;
    if (login->attributes.p == NULL)
        set &= ~(uint32_t)MYSQL_CAN_ATTRIBUTES;
    return set;
}

static void
write_head(struct buf *to, const struct mysql_login *login,
           uint32_t capabilities)
{
    static const uint8_t filler[FILLER];
    bool is_mysql = (capabilities & MYSQL_CAN_MYSQL) != 0;

    if (login->charset > UINT8_MAX)
        to->failed = true;
    mysql_write_u32(to, capabilities);
    mysql_write_u32(to, login->max_packet);
    mysql_write_u8(to, (uint8_t)login->charset);
    buf_add(to, filler, sizeof(filler));
    mysql_write_u32(to, is_mysql ? 0 : login->mariadb);
}

void
mysql_write_login(struct buf *to, uint8_t sequence,
                  const struct mysql_login *login)
{
    uint32_t capabilities = login_capabilities(login);
    size_t at = mysql_open_packet(to);

    if (mysql_check_login(login) != 0)
        to->failed = true;
    write_head(to, login, capabilities);
    mysql_write_cstring(to, login->user);
    mysql_write_answer(to, capabilities, login->answer);
    if ((capabilities & MYSQL_CAN_SCHEMA) != 0)
        mysql_write_cstring(to, login->schema);
    if ((capabilities & MYSQL_CAN_PLUGINS) != 0)
        mysql_write_cstring(to, login->plugin);
    if ((capabilities & MYSQL_CAN_ATTRIBUTES) != 0)
        mysql_write_text(to, login->attributes);
    if ((capabilities & MYSQL_CAN_ZSTD) != 0)
        mysql_write_u8(to, login->zstd_level);
    if (to->len - at > MYSQL_HEADER_LEN + MYSQL_LOGIN_MAX)
        to->failed = true;
    mysql_close_packet(to, at, sequence);
}

void
mysql_write_tls_request(struct buf *to, uint8_t sequence,
                        const struct mysql_login *login)
{
    size_t at = mysql_open_packet(to);

    write_head(to, login, login_capabilities(login) | MYSQL_CAN_TLS);
    mysql_close_packet(to, at, sequence);
}
