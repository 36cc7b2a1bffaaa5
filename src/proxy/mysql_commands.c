/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_commands.h"

#include <errno.h>
#include <string.h>

#include "base/wire.h"
#include "codec/mysql_change.h"
#include "proxy/mysql_front.h"

void
mysql_commands_init(struct mysql_commands *c, uint32_t client_can,
                    uint32_t server_can)
{
    *c = (struct mysql_commands){
        .client_can = client_can,
        .server_can = server_can,
    };
    mysql_watch_init(&c->watch);
    buf_init_growing(&c->change, MYSQL_CHANGE_MAX);
}

void
mysql_commands_fini(struct mysql_commands *c)
{
    buf_fini(&c->change);
}

/* Appends to TO what goes on in place of the change of user. */
static int
rewrite(struct mysql_commands *c, struct buf *to)
{
    struct mysql_packet packet;
    struct mysql_login login;
    ssize_t got = mysql_read_packet(&packet, (const uint8_t *)c->change.p,
                                    c->change.len, MYSQL_CHANGE_MAX);

    if (got > 0)
        got = mysql_read_change(&login, packet.p, packet.len, c->client_can);
    if (got <= 0) {
        errno = EPROTO;
        return -1;
    }
    login.capabilities = c->server_can;
    mysql_front_ask(&login);
    mysql_write_change(to, &login);
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
    struct buf to;

    buf_init(&to, space, sizeof(space));
    if (rewrite(c, &to) < 0)
        return -1;
    if (*out + to.len + rest > BUFFER_SIZE) {
        errno = EMSGSIZE;
        return -1;
    }
    memmove(p + *out + to.len, p + *out + taken, rest);
    memcpy(p + *out, to.p, to.len);
    *out += to.len;
    *end = *out + rest;
    mysql_watch_changed(&c->watch);
    c->change_len = 0;
    buf_fini(&c->change);
    buf_init_growing(&c->change, MYSQL_CHANGE_MAX);
    return 0;
}

/* Takes what comes next of a change of user: how many of the N bytes. */
static size_t
collect(struct mysql_commands *c, const uint8_t *p, size_t n)
{
    size_t wanted = c->change_len - c->change.len;

    if (n > wanted)
        n = wanted;
    buf_add(&c->change, p, n);
    return n;
}

/* One begins at P. */
static int
begin_change(struct mysql_commands *c, const uint8_t *p)
{
    c->change_len = MYSQL_HEADER_LEN + wire_get_u24le(p);
    if (c->change_len <= MYSQL_CHANGE_MAX)
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
    bool change;

    if (c->change_len == 0) {
        *out += mysql_watch_pass(&c->watch, p + *out, *end - *out, &change);
        if (!change)
            return 0;
        if (begin_change(c, p + *out) < 0)
            return -1;
    }
    taken = collect(c, p + *out, *end - *out);
    if (c->change.failed) {
        errno = ENOMEM;
        return -1;
    }
    if (c->change.len == c->change_len)
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
