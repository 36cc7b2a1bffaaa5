/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_commands.h"

#include <errno.h>
#include <string.h>

#include "base/wire.h"
#include "codec/mysql_change.h"
#include "codec/mysql_kill.h"
#include "proxy/mysql_front.h"

static uint8_t
text_at(const struct mysql_commands_conf *conf)
{
    uint32_t both = conf->client_can & conf->server_can;

    return (both & MYSQL_CAN_QUERY_ATTRIBUTES) != 0 ? 3 : 1;
}

void
mysql_commands_init(struct mysql_commands *c,
                    const struct mysql_commands_conf *conf)
{
    *c = (struct mysql_commands){.conf = *conf};
    mysql_watch_init(&c->watch, conf->kill == NULL ? 0 : text_at(conf));
    buf_init_growing(&c->packet, MYSQL_CHANGE_MAX);
}

void
mysql_commands_fini(struct mysql_commands *c)
{
    buf_fini(&c->packet);
}

/* Appends to TO what goes on in place of the change of user PACKET. */
static int
rewrite_change(const struct mysql_commands *c,
               const struct mysql_packet *packet, struct buf *to)
{
    struct mysql_login login;

    if (c->conf.no_change) {
        errno = EACCES;
        return -1;
    }
    if (mysql_read_change(&login, packet->p, packet->len, c->conf.client_can) <=
        0) {
        errno = EPROTO;
        return -1;
    }
    login.capabilities = c->conf.server_can;
    mysql_front_ask(&login);
    mysql_write_change(to, &login);
    return 0;
}

/* The same of what may be a KILL. One that has no room for more, since many
 * commands came with it, goes on as it is: its server knows no such number. */
static void
rewrite_kill(const struct mysql_commands *c, const struct mysql_packet *packet,
             struct buf *to)
{
    uint8_t at = text_at(&c->conf);
    struct mysql_kill kill;

    if (mysql_read_kill(&kill, packet->p, packet->len, at) > 0 &&
        c->conf.kill(c->conf.kill_arg, &kill, at, to) && !to->failed)
        return;
    buf_reset(to);
    buf_add(to, c->packet.p, c->packet.len);
}

/* Appends to TO what goes on in place of the packet that was taken out. */
static int
rewrite(const struct mysql_commands *c, struct buf *to)
{
    struct mysql_packet packet;
    ssize_t got = mysql_read_packet(&packet, (const uint8_t *)c->packet.p,
                                    c->packet.len, MYSQL_CHANGE_MAX);

    if (got <= 0) {
        errno = EPROTO;
        return -1;
    }
    if (c->what == MYSQL_WATCH_KILL)
        rewrite_kill(c, &packet, to);
    else if (rewrite_change(c, &packet, to) < 0)
        return -1;
    if (!to->failed)
        return 0;
    errno = EMSGSIZE;
    return -1;
}

/* The whole of it is there, and its last TAKEN bytes are at OUT of the bytes P,
 * which end at END: puts in their place what it becomes. *OUT is then behind
 * it. */
static int
replace(struct mysql_commands *c, uint8_t *p, size_t taken, size_t *out,
        size_t *end)
{
    char space[MYSQL_CHANGE_MAX + MYSQL_CHANGE_MAX / 2];
    size_t rest = *end - *out - taken;
    size_t room = BUFFER_SIZE - *out - rest;
    struct buf to;

    buf_init(&to, space, room < sizeof(space) ? room : sizeof(space));
    if (rewrite(c, &to) < 0)
        return -1;
    memmove(p + *out + to.len, p + *out + taken, rest);
    memcpy(p + *out, to.p, to.len);
    *out += to.len;
    *end = *out + rest;
    mysql_watch_taken(&c->watch, c->what);
    c->packet_len = 0;
    buf_fini(&c->packet);
    buf_init_growing(&c->packet, MYSQL_CHANGE_MAX);
    return 0;
}

/* Takes what comes next of the packet: how many of the N bytes. */
static size_t
collect(struct mysql_commands *c, const uint8_t *p, size_t n)
{
    size_t wanted = c->packet_len - c->packet.len;

    if (n > wanted)
        n = wanted;
    buf_add(&c->packet, p, n);
    return n;
}

/* One begins at P. */
static int
take_out(struct mysql_commands *c, const uint8_t *p)
{
    c->packet_len = MYSQL_HEADER_LEN + wire_get_u24le(p);
    if (c->packet_len <= MYSQL_CHANGE_MAX)
        return 0;
    errno = EMSGSIZE;
    return -1;
}

/* Goes on from *OUT to *END: 1 if there may be more to do, 0 when it is done,
 * or -1 with errno. */
static int
sift_step(struct mysql_commands *c, uint8_t *p, size_t *out, size_t *end)
{
    size_t taken;

    if (c->packet_len == 0) {
        *out += mysql_watch_pass(&c->watch, p + *out, *end - *out, &c->what);
        if (c->what == MYSQL_WATCH_NOTHING)
            return 0;
        if (take_out(c, p + *out) < 0)
            return -1;
    }
    taken = collect(c, p + *out, *end - *out);
    if (c->packet.failed) {
        errno = ENOMEM;
        return -1;
    }
    if (c->packet.len == c->packet_len)
        return replace(c, p, taken, out, end) < 0 ? -1 : 1;
    *end = *out;
    return 0;
}

ssize_t
mysql_commands_sift(struct mysql_commands *c, struct buffer *buffer,
                    size_t held, size_t n)
{
    size_t out = 0, end = held + n;
    int result;

    memcpy(buffer->data, c->kept, held);
    do
        result = sift_step(c, buffer->data, &out, &end);
    while (result > 0);
    if (result < 0)
        return -1;
    buffer->start = 0;
    buffer->end = (uint32_t)out;
    memcpy(c->kept, buffer->data + out, end - out);
    return (ssize_t)(end - out);
}
