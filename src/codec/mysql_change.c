/* SPDX-License-Identifier: MIT */
#include "codec/mysql_change.h"

#include "codec/mysql_cursor.h"

/* How an answer is written: unlike in a login, its length has one byte. */
static uint32_t
answer_capabilities(uint32_t capabilities)
{
    return capabilities & ~(uint32_t)MYSQL_CAN_LENENC;
}

static void
take_change(struct mysql_login *login, struct mysql_cursor *c)
{
    login->user = mysql_take_cstring(c);
    login->answer =
        mysql_take_answer(c, answer_capabilities(login->capabilities));
    login->schema = mysql_take_cstring(c);
    if (c->left == 0)
        return;
    login->charset = mysql_take_u16(c);
    if ((login->capabilities & MYSQL_CAN_PLUGINS) != 0)
        login->plugin = mysql_take_last(c);
    if ((login->capabilities & MYSQL_CAN_ATTRIBUTES) != 0 && c->left > 0)
        login->attributes = mysql_take_text(c);
}

ssize_t
mysql_read_change(struct mysql_login *out, const uint8_t *p, size_t n,
                  uint32_t capabilities)
{
    struct mysql_login login = {.capabilities = capabilities};
    struct mysql_cursor c;
    int error;

    if (n > MYSQL_LOGIN_MAX)
        return MYSQL_E_LENGTH;
    mysql_cursor_init(&c, p, n);
    if (mysql_take_u8(&c) != MYSQL_COM_CHANGE_USER)
        return n == 0 ? MYSQL_E_CUT : MYSQL_E_KIND;
    take_change(&login, &c);
    if (c.failed)
        return MYSQL_E_CUT;
    error = mysql_check_login(&login);
    if (error != 0)
        return error;
    *out = login;
    return (ssize_t)n;
}

void
mysql_write_change(struct buf *to, const struct mysql_login *login)
{
    uint32_t capabilities = login->capabilities;
    size_t at = mysql_open_packet(to);

    if (mysql_check_login(login) != 0)
        to->failed = true;
    mysql_write_u8(to, MYSQL_COM_CHANGE_USER);
    mysql_write_cstring(to, login->user);
    mysql_write_answer(to, answer_capabilities(capabilities), login->answer);
    mysql_write_cstring(to, login->schema);
    mysql_write_u16(to, login->charset);
    if ((capabilities & MYSQL_CAN_PLUGINS) != 0)
        mysql_write_cstring(to, login->plugin);
    if ((capabilities & MYSQL_CAN_ATTRIBUTES) != 0)
        mysql_write_text(to, login->attributes);
    mysql_close_packet(to, at, 0);
}
