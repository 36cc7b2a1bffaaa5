/* SPDX-License-Identifier: MIT */
#include "codec/mysql_watch.h"

#include "base/wire.h"
#include "codec/mysql_kill.h"

void
mysql_watch_init(struct mysql_watch *watch, uint8_t text_at)
{
    *watch = (struct mysql_watch){.text_at = text_at};
}

void
mysql_watch_taken(struct mysql_watch *watch, enum mysql_watch_stop what)
{
    if (what == MYSQL_WATCH_CHANGE)
        watch->answering = true;
}

/* What a packet is that begins and continues no other. */
struct begun {
    const uint8_t *payload;
    size_t there; /* bytes of it that are there: as many as it has, or some */
    uint32_t len;
    uint8_t sequence;
};

/* Is it to be stopped at? -1: it takes more bytes to say. */
static int
judge_command(const struct mysql_watch *watch, const struct begun *b,
              enum mysql_watch_stop *stop)
{
    int kill = 0;

    if (b->payload[0] == MYSQL_COM_CHANGE_USER) {
        *stop = MYSQL_WATCH_CHANGE;
        return 1;
    }
    if (watch->text_at > 0)
        kill = mysql_may_be_kill(b->payload, b->there, b->len, watch->text_at);
    if (kill > 0)
        *stop = MYSQL_WATCH_KILL;
    return kill;
}

static int
judge(struct mysql_watch *watch, const struct begun *b,
      enum mysql_watch_stop *stop)
{
    int result = 0;

    if (b->len == 0) {
        watch->in_file = false;
        return 0;
    }
    if (b->there == 0)
        return -1;
    if (watch->in_file)
        return 0;
    if (b->sequence != 0) {
        watch->in_file = !watch->answering;
        return 0;
    }
    result = judge_command(watch, b, stop);
    if (result == 0)
        watch->answering = false;
    return result;
}

/* Lets the header at P pass. */
static void
begin(struct mysql_watch *watch, uint32_t len)
{
    watch->left = len;
    watch->full = len == MYSQL_PACKET_FULL;
}

/* The packet whose header is at P, of N bytes. */
static struct begun
look(const uint8_t *p, size_t n)
{
    struct begun b = {
        .payload = p + MYSQL_HEADER_LEN,
        .there = n - MYSQL_HEADER_LEN,
        .len = wire_get_u24le(p),
        .sequence = p[3],
    };

    if (b.there > b.len)
        b.there = b.len;
    return b;
}

size_t
mysql_watch_pass(struct mysql_watch *watch, const uint8_t *p, size_t n,
                 enum mysql_watch_stop *stop)
{
    size_t at = 0;

    *stop = MYSQL_WATCH_NOTHING;
    while (at < n) {
        size_t there = n - at;
        struct begun b;

        if (watch->left > 0) {
            size_t step = there < watch->left ? there : watch->left;

            watch->left -= (uint32_t)step;
            at += step;
            continue;
        }
        if (there < MYSQL_HEADER_LEN)
            break;
        b = look(p + at, there);
        if (!watch->full && judge(watch, &b, stop) != 0)
            break;
        begin(watch, b.len);
        at += MYSQL_HEADER_LEN;
    }
    return at;
}
