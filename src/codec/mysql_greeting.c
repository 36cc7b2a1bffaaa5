/* SPDX-License-Identifier: MIT */
#include "codec/mysql_greeting.h"

#include "codec/mysql_cursor.h"

enum {
    FIRST_PART = 8,       /* bytes of a challenge before the capabilities */
    SECOND_PART_MIN = 13, /* and behind them, with the NUL */
    FILLER = 6,           /* reserved bytes, before MariaDB's capabilities */
    ALWAYS = MYSQL_CAN_PROTOCOL_41 | MYSQL_CAN_CHALLENGE,
};

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
    greeting.version = mysql_take_cstring(&c);
    greeting.thread_id = mysql_take_u32(&c);
    first = mysql_take_bytes(&c, FIRST_PART);
    mysql_take_u8(&c);
    greeting.capabilities = mysql_take_u16(&c);
    greeting.charset = mysql_take_u8(&c);
    greeting.status = mysql_take_u16(&c);
    greeting.capabilities |= (uint32_t)mysql_take_u16(&c) << 16;
    challenge_len = mysql_take_u8(&c);
    mysql_take_bytes(&c, FILLER);
    greeting.mariadb = mysql_take_u32(&c);
    if (c.failed)
        return MYSQL_E_CUT;
    if ((greeting.capabilities & ALWAYS) != ALWAYS)
        return MYSQL_E_PROTOCOL;
    if ((greeting.capabilities & MYSQL_CAN_MYSQL) != 0)
        greeting.mariadb = 0;

    if (challenge_len > FIRST_PART + SECOND_PART_MIN)
        second_len = challenge_len - FIRST_PART;
    second = mysql_take_bytes(&c, second_len);
    /* Some old servers leave out the NUL behind the plugin's name. */
    if ((greeting.capabilities & MYSQL_CAN_PLUGINS) != 0)
        greeting.plugin = mysql_take_last(&c);
    if (c.failed)
        return MYSQL_E_CUT;
    set_challenge(&greeting, first, second);
    *out = greeting;
    return (ssize_t)n;
}

/* Replication of old clients takes versions from 10 on for too old, hence the
 * prefix. */
struct str
mysql_bare_version(struct str version)
{
    struct str prefix = STR("5.5.5-");

    if (!str_starts_with(version, prefix))
        return version;
    return str_slice(version, prefix.len, version.len);
}

/* Can it be told so that clients see all of it? They take it up to a NUL. */
static bool
is_challenge_sound(const struct mysql_greeting *greeting)
{
    size_t len = greeting->challenge_len;

    if (len < MYSQL_CHALLENGE_LEN || len == MYSQL_CHALLENGE_MAX ||
        memchr(greeting->challenge, 0, len) != NULL)
        return false;
    return greeting->plugin.p != NULL || len == MYSQL_CHALLENGE_LEN;
}

void
mysql_write_greeting(struct buf *to, const struct mysql_greeting *greeting)
{
    static const uint8_t filler[FILLER];
    uint32_t capabilities = greeting->capabilities | ALWAYS;
    bool has_plugin = greeting->plugin.p != NULL;
    size_t at = mysql_open_packet(to), len = greeting->challenge_len;

    if (!is_challenge_sound(greeting)) {
        to->failed = true;
        return;
    }
    capabilities &= ~(uint32_t)MYSQL_CAN_PLUGINS;
    if (has_plugin)
        capabilities |= MYSQL_CAN_PLUGINS;
    mysql_write_u8(to, MYSQL_PROTOCOL_VERSION);
    mysql_write_cstring(to, greeting->version);
    mysql_write_u32(to, greeting->thread_id);
    buf_add(to, greeting->challenge, FIRST_PART);
    mysql_write_u8(to, 0);
    mysql_write_u16(to, (uint16_t)capabilities);
    mysql_write_u8(to, greeting->charset);
    mysql_write_u16(to, greeting->status);
    mysql_write_u16(to, (uint16_t)(capabilities >> 16));
    mysql_write_u8(to, has_plugin ? (uint8_t)(len + 1) : 0);
    buf_add(to, filler, sizeof(filler));
    mysql_write_u32(
        to, (capabilities & MYSQL_CAN_MYSQL) != 0 ? 0 : greeting->mariadb);
    buf_add(to, greeting->challenge + FIRST_PART, len - FIRST_PART);
    mysql_write_u8(to, 0);
    if (has_plugin)
        mysql_write_cstring(to, greeting->plugin);
    mysql_close_packet(to, at, 0);
}
