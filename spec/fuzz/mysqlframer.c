/* SPDX-License-Identifier: MIT */
/*
 * Packets in a stream: a framer tells the same of the bytes in any pieces, and
 * numbers packets anew without touching another byte. A plain walk over the
 * whole stream says what is right.
 *
 * The first two bytes are what is added to numbers and the length of a piece.
 * Where both are 0xff a full packet is made whole: its payload, which no input
 * has room for, is put behind its header.
 */
#include "base/wire.h"
#include "codec/mysql_framer.h"

#include "fuzz.h"

enum {
    EVENTS_MAX = 8192,
    FULL_MAX = 1, /* full packets that are made whole */
};

struct event {
    enum mysql_frame frame;
    size_t at; /* place of an end; bytes of a payload */
    uint8_t sequence;
    uint8_t head[MYSQL_FRAME_HEAD_LEN];
    size_t head_len;
};

struct events {
    size_t count;
    struct event list[EVENTS_MAX];
};

static struct events right, seen;

static void
note(struct events *events, struct event event)
{
    FUZZ_CHECK(events->count < EVENTS_MAX);
    events->list[events->count++] = event;
}

/* Walks over the stream as a whole; numbers it anew in WANTED. */
static void
walk(struct events *events, const uint8_t *p, size_t n, uint8_t *wanted,
     uint8_t offset)
{
    bool continues = false;
    size_t at = 0;

    events->count = 0;
    while (n - at >= MYSQL_HEADER_LEN) {
        size_t len = wire_get_u24le(p + at);
        size_t shown = len < MYSQL_FRAME_HEAD_LEN ? len : MYSQL_FRAME_HEAD_LEN;
        struct event head = {.frame = MYSQL_FRAME_HEAD,
                             .at = len,
                             .sequence = p[at + 3],
                             .head_len = shown};

        wanted[at + 3] = (uint8_t)(p[at + 3] + offset);
        at += MYSQL_HEADER_LEN;
        if (n - at < shown)
            return;
        memcpy(head.head, p + at, shown);
        if (!continues)
            note(events, head);
        if (n - at < len)
            return;
        at += len;
        continues = len == MYSQL_FRAME_FULL;
        if (!continues)
            note(events, (struct event){.frame = MYSQL_FRAME_END, .at = at});
    }
}

/* Feeds N bytes in one piece, whose first byte has the place BASE. */
static void
feed(struct mysql_framer *framer, uint8_t *p, size_t n, size_t base)
{
    enum mysql_frame frame;
    size_t at = 0, used;

    do {
        struct event event = {.at = 0};

        frame = mysql_framer_next(framer, p + at, n - at, &used);
        FUZZ_CHECK(used <= n - at);
        at += used;
        event.frame = frame;
        event.at = base + at;
        if (frame == MYSQL_FRAME_HEAD) {
            event.at = framer->len;
            event.sequence = framer->sequence;
            event.head_len = framer->head_len;
            memcpy(event.head, framer->head, framer->head_len);
        }
        if (frame != MYSQL_FRAME_MORE)
            note(&seen, event);
    } while (frame != MYSQL_FRAME_MORE);
    FUZZ_CHECK(at == n);
}

static bool
is_same(const struct event *a, const struct event *b)
{
    return a->frame == b->frame && a->at == b->at &&
           a->sequence == b->sequence && a->head_len == b->head_len &&
           memcmp(a->head, b->head, a->head_len) == 0;
}

static void
check_pieces(const uint8_t *p, size_t n, size_t piece, uint8_t offset)
{
    uint8_t *wanted = fuzz_copy(p, n), *stream = fuzz_copy(p, n);
    struct mysql_framer framer;

    walk(&right, p, n, wanted, offset);
    seen.count = 0;
    mysql_framer_init(&framer);
    framer.offset = offset;
    for (size_t at = 0; at < n; at += piece) {
        size_t len = n - at < piece ? n - at : piece;
        uint8_t *copy = fuzz_copy(stream + at, len);

        feed(&framer, copy, len, at);
        memcpy(stream + at, copy, len);
        free(copy);
    }
    FUZZ_CHECK(memcmp(wanted, stream, n) == 0);
    FUZZ_CHECK(right.count == seen.count);
    for (size_t i = 0; i < seen.count; i++)
        FUZZ_CHECK(is_same(&right.list[i], &seen.list[i]));
    free(wanted);
    free(stream);
}

/* Puts its payload behind the first full header. */
static void
check_full(const uint8_t *p, size_t n)
{
    size_t cap = n + (size_t)FULL_MAX * MYSQL_FRAME_FULL, at = 0, len = 0;
    uint8_t *stream = calloc(1, cap);
    unsigned full = 0;

    FUZZ_CHECK(stream != NULL);
    while (n - at >= MYSQL_HEADER_LEN && full < FULL_MAX) {
        size_t payload = wire_get_u24le(p + at), have;

        memcpy(stream + len, p + at, MYSQL_HEADER_LEN);
        at += MYSQL_HEADER_LEN;
        len += MYSQL_HEADER_LEN;
        if (payload == MYSQL_FRAME_FULL) {
            full++;
            len += MYSQL_FRAME_FULL;
            continue;
        }
        have = n - at < payload ? n - at : payload;
        memcpy(stream + len, p + at, have);
        at += have;
        len += have;
    }
    memcpy(stream + len, p + at, n - at);
    len += n - at;
    FUZZ_CHECK(len <= cap);
    if (full > 0)
        check_pieces(stream, len, 1 << 20, 1);
    free(stream);
}

void
fuzz_mysqlframer(const uint8_t *p, size_t n)
{
    if (n < 2)
        return;
    check_pieces(p + 2, n - 2, n, 0);
    check_pieces(p + 2, n - 2, 1, p[0]);
    check_pieces(p + 2, n - 2, (size_t)p[1] + 1, p[0]);
    /* Rarely, since it moves much. */
    if (p[0] == 0xff && p[1] == 0xff)
        check_full(p + 2, n - 2);
}
