/* SPDX-License-Identifier: MIT */
/*
 * One side of a MySQL session while it logs in: packets that come, and bytes
 * that are to go.
 *
 *      stream ─▶ in ─▶ mysql_leg_next ─▶ packet
 *      stream ◀─ out ◀─ codec
 */
#ifndef PROXY_MYSQL_LEG_H
#define PROXY_MYSQL_LEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/mysql.h"

struct stream;

enum {
    MYSQL_LEG_READ = 4096, /* bytes that are read at once, so that no more can
                              lie behind a packet */
    MYSQL_LEG_OUT_MAX = 128 << 10, /* bytes that wait to be written */
};

struct mysql_leg {
    struct stream *stream;
    uint8_t *in; /* on the heap */
    size_t in_cap;
    size_t start; /* of what was not taken yet */
    size_t end;
    struct buf out;
    size_t sent; /* bytes of `out` that were written */
};

enum mysql_leg_result {
    MYSQL_LEG_PACKET,   /* there is one */
    MYSQL_LEG_WAITS,    /* not yet */
    MYSQL_LEG_ENDED,    /* the peer has ended its side */
    MYSQL_LEG_BROKE,    /* errno says why */
    MYSQL_LEG_TOO_LONG, /* a packet over the limit */
};

void mysql_leg_init(struct mysql_leg *leg, struct stream *stream);
void mysql_leg_fini(struct mysql_leg *leg);

/* Forgets what came and what was to go: the stream is another one now. */
void mysql_leg_reset(struct mysql_leg *leg, struct stream *stream);

/* The next packet, of at most MAX bytes of payload; it lies in the leg until
 * the next call. */
enum mysql_leg_result
mysql_leg_next(struct mysql_leg *leg, struct mysql_packet *packet,
               size_t max) MUST_CHECK;

/* Writes what it can: 0, or -1 with errno, never EAGAIN. */
int mysql_leg_flush(struct mysql_leg *leg) MUST_CHECK;

static inline size_t
mysql_leg_unsent(const struct mysql_leg *leg)
{
    return leg->out.len - leg->sent;
}

/* What has come and was not taken. */
static inline struct str
mysql_leg_rest(const struct mysql_leg *leg)
{
    return str_make((const char *)leg->in + leg->start, leg->end - leg->start);
}

#endif
