/* SPDX-License-Identifier: MIT */
#include "codec/mysql_login.h"

#include "codec/mysql_cursor.h"

enum {
    FIRST_PART = 8,       /* bytes of a challenge before the capabilities */
    SECOND_PART_MIN = 13, /* and behind them, with the NUL */
    GREETING_FILLER = 10, /* reserved bytes */
    LOGIN_FILLER = 23,
};

/* Replication of old clients takes versions from 10 on for too old. */
static struct str
without_prefix(struct str version)
{
    struct str prefix = STR("5.5.5-");

    if (!str_starts_with(version, prefix))
        return version;
    return str_slice(version, prefix.len, version.len);
}

static void
set_challenge(struct mysql_greeting *to, struct str first, struct str second)
{
    size_t len = first.len + second.len;

    memcpy(to->challenge, first.p, first.len);
    memcpy(to->challenge + first.len, second.p, second.len);
    if (to->challenge[len - 1] == 0)
        len--;
    to->challenge_len = (uint8_t)len;
}

ssize_t
mysql_read_greeting(struct mysql_greeting *out, const uint8_t *p, size_t n)
{
    struct mysql_greeting greeting = {.thread_id = 0};
    struct mysql_cursor c;
    struct str first, second;
    size_t second_len = SECOND_PART_MIN, challenge_len;

    mysql_cursor_init(&c, p, n);
    if (mysql_take_u8(&c) != MYSQL_PROTOCOL_VERSION)
        return n == 0 ? MYSQL_E_CUT : MYSQL_E_PROTOCOL;
    greeting.version = without_prefix(mysql_take_cstring(&c));
    greeting.thread_id = mysql_take_u32(&c);
    first = mysql_take_bytes(&c, FIRST_PART);
    mysql_take_u8(&c);
    greeting.capabilities = mysql_take_u16(&c);
    greeting.charset = mysql_take_u8(&c);
    greeting.status = mysql_take_u16(&c);
    greeting.capabilities |= (uint32_t)mysql_take_u16(&c) << 16;
    challenge_len = mysql_take_u8(&c);
    mysql_take_bytes(&c, GREETING_FILLER);
    if (c.failed)
        return MYSQL_E_CUT;
    if ((greeting.capabilities & MYSQL_CAN_PROTOCOL_41) == 0 ||
        (greeting.capabilities & MYSQL_CAN_CHALLENGE) == 0)
        return MYSQL_E_PROTOCOL;

    if (challenge_len > FIRST_PART + SECOND_PART_MIN)
        second_len = challenge_len - FIRST_PART;
    second = mysql_take_bytes(&c, second_len);
    /* Some old servers leave out the NUL behind the plugin's name. */
    if ((greeting.capabilities & MYSQL_CAN_PLUGINS) != 0) {
        greeting.plugin = mysql_take_rest(&c);
        greeting.plugin.len = strnlen(greeting.plugin.p, greeting.plugin.len);
    }
    if (c.failed)
        return MYSQL_E_CUT;
    set_challenge(&greeting, first, second);
    *out = greeting;
    return (ssize_t)n;
}

ssize_t
mysql_read_switch(struct mysql_switch *out, const uint8_t *p, size_t n)
{
    struct mysql_switch request = {.plugin = STR("mysql_old_password")};
    struct mysql_cursor c;

    mysql_cursor_init(&c, p, n);
    if (mysql_take_u8(&c) != MYSQL_EOF)
        return n == 0 ? MYSQL_E_CUT : MYSQL_E_KIND;
    if (c.left > 0) {
        request.plugin = mysql_take_cstring(&c);
        request.data = mysql_take_rest(&c);
    }
    if (c.failed)
        return MYSQL_E_CUT;
    *out = request;
    return (ssize_t)n;
}

ssize_t
mysql_read_more(struct str *out, const uint8_t *p, size_t n)
{
    struct mysql_cursor c;

    mysql_cursor_init(&c, p, n);
    if (mysql_take_u8(&c) != MYSQL_MORE_DATA)
        return n == 0 ? MYSQL_E_CUT : MYSQL_E_KIND;
    *out = mysql_take_rest(&c);
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
    if (login->attribute_count == 0)
        set &= ~(uint32_t)MYSQL_CAN_ATTRIBUTES;
    return set;
}

static void
write_answer(struct buf *to, uint32_t capabilities, struct str answer)
{
    if ((capabilities & MYSQL_CAN_LENENC) != 0) {
        mysql_write_text(to, answer);
        return;
    }
    if (answer.len > UINT8_MAX)
        to->failed = true;
    mysql_write_u8(to, (uint8_t)answer.len);
    buf_str(to, answer);
}

static void
write_attributes(struct buf *to, const struct mysql_login *login)
{
    uint64_t len = 0;

    for (size_t i = 0; i < login->attribute_count; i++)
        len += mysql_text_len(login->attributes[i].name) +
               mysql_text_len(login->attributes[i].value);
    mysql_write_lenenc(to, len);
    for (size_t i = 0; i < login->attribute_count; i++) {
        mysql_write_text(to, login->attributes[i].name);
        mysql_write_text(to, login->attributes[i].value);
    }
}

void
mysql_write_login(struct buf *to, uint8_t sequence,
                  const struct mysql_login *login)
{
    static const uint8_t filler[LOGIN_FILLER];
    uint32_t capabilities = login_capabilities(login);
    size_t at = mysql_open_packet(to);

    mysql_write_u32(to, capabilities);
    mysql_write_u32(to, login->max_packet);
    mysql_write_u8(to, login->charset);
    buf_add(to, filler, sizeof(filler));
    mysql_write_cstring(to, login->user);
    write_answer(to, capabilities, login->answer);
    if ((capabilities & MYSQL_CAN_SCHEMA) != 0)
        mysql_write_cstring(to, login->schema);
    if ((capabilities & MYSQL_CAN_PLUGINS) != 0)
        mysql_write_cstring(to, login->plugin);
    if ((capabilities & MYSQL_CAN_ATTRIBUTES) != 0)
        write_attributes(to, login);
    mysql_close_packet(to, at, sequence);
}
