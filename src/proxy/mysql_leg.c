/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_leg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/stream.h"

void
mysql_leg_init(struct mysql_leg *leg, struct stream *stream)
{
    *leg = (struct mysql_leg){.stream = stream};
    buf_init_growing(&leg->out, MYSQL_LEG_OUT_MAX);
}

void
mysql_leg_fini(struct mysql_leg *leg)
{
    buf_fini(&leg->out);
    free(leg->in);
    leg->in = NULL;
    leg->in_cap = leg->start = leg->end = 0;
}

void
mysql_leg_reset(struct mysql_leg *leg, struct stream *stream)
{
    leg->stream = stream;
    leg->start = leg->end = leg->sent = 0;
    buf_reset(&leg->out);
}

/* Room for one more read behind what is there. */
static int
make_room(struct mysql_leg *leg)
{
    size_t left = leg->end - leg->start;
    size_t wanted = left + MYSQL_LEG_READ;
    uint8_t *in;

    if (left > 0 && leg->start > 0)
        memmove(leg->in, leg->in + leg->start, left);
    leg->start = 0;
    leg->end = left;
    if (wanted <= leg->in_cap)
        return 0;
    in = realloc(leg->in, wanted);
    if (in == NULL)
        return -1;
    leg->in = in;
    leg->in_cap = wanted;
    return 0;
}

/* Who has said nothing may stay for long, and there may be many. */
static enum mysql_leg_result
idle(struct mysql_leg *leg)
{
    if (leg->start == leg->end) {
        free(leg->in);
        leg->in = NULL;
        leg->in_cap = leg->start = leg->end = 0;
    }
    return MYSQL_LEG_WAITS;
}

static enum mysql_leg_result
read_more(struct mysql_leg *leg)
{
    ssize_t got;

    if (!leg->stream->readable)
        return idle(leg);
    if (make_room(leg) < 0)
        return MYSQL_LEG_BROKE;
    got = stream_read(leg->stream, leg->in + leg->end, MYSQL_LEG_READ);
    if (got == 0)
        return MYSQL_LEG_ENDED;
    if (got < 0)
        return errno == EAGAIN ? idle(leg) : MYSQL_LEG_BROKE;
    leg->end += (size_t)got;
    return MYSQL_LEG_PACKET;
}

enum mysql_leg_result
mysql_leg_next(struct mysql_leg *leg, struct mysql_packet *packet, size_t max)
{
    for (;;) {
        enum mysql_leg_result result;
        ssize_t used = 0;

        if (leg->end > leg->start)
            used = mysql_read_packet(packet, leg->in + leg->start,
                                     leg->end - leg->start, max);
        if (used < 0)
            return MYSQL_LEG_TOO_LONG;
        if (used > 0) {
            leg->start += (size_t)used;
            return MYSQL_LEG_PACKET;
        }
        result = read_more(leg);
        if (result != MYSQL_LEG_PACKET)
            return result;
    }
}

int
mysql_leg_flush(struct mysql_leg *leg)
{
    if (leg->out.failed) {
        errno = ENOBUFS;
        return -1;
    }
    while (mysql_leg_unsent(leg) > 0 && leg->stream->writable) {
        ssize_t n = stream_write(leg->stream, leg->out.p + leg->sent,
                                 mysql_leg_unsent(leg));

        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        leg->sent += (size_t)n;
    }
    if (mysql_leg_unsent(leg) == 0) {
        buf_reset(&leg->out);
        leg->sent = 0;
    }
    return 0;
}
