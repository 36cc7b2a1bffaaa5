/* SPDX-License-Identifier: MIT */
/*
 * Packets in a stream: a framer tells the same of the bytes in any pieces, and
 * numbers packets anew without touching another byte. A plain walk over the
 * whole stream says what is right.
 *
 * The first two bytes are what is added to numbers and the length of a piece.
 * Then full packets have payloads of zeros, which no input has room for.
 */
#include "base/wire.h"
#include "codec/mysql_framer.h"

#include "fuzz.h"

enum {
    EVENTS_MAX = 8192,
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

static bool
is_same(const struct event *a, const struct event *b)
{
    return a->frame == b->frame && a->at == b->at &&
           a->sequence == b->sequence && a->head_len == b->head_len &&
           memcmp(a->head, b->head, a->head_len) == 0;
}

static void
check_same(void)
{
    FUZZ_CHECK(right.count == seen.count);
    for (size_t i = 0; i < seen.count; i++)
        FUZZ_CHECK(is_same(&right.list[i], &seen.list[i]));
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
        continues = len == MYSQL_PACKET_FULL;
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
    check_same();
    free(wanted);
    free(stream);
}

/* Feeds the payload of a full packet, of zeros. */
static size_t
feed_full(struct mysql_framer *framer, size_t place)
{
    static uint8_t zeros[1 << 20];

    for (size_t left = MYSQL_PACKET_FULL, len; left > 0; left -= len) {
        len = left < sizeof(zeros) ? left : sizeof(zeros);
        feed(framer, zeros, len, place);
        place += len;
    }
    return place;
}

/* Feeds N bytes in a copy of their own. */
static void
feed_copy(struct mysql_framer *framer, const uint8_t *p, size_t n, size_t place)
{
    uint8_t *copy = fuzz_copy(p, n);

    feed(framer, copy, n, place);
    free(copy);
}

/* The stream with a payload of zeros behind each full header. */
static void
check_full(const uint8_t *p, size_t n)
{
    struct mysql_framer framer;
    bool continues = false;
    size_t at = 0, place = 0, len = 0, have = 0;

    right.count = seen.count = 0;
    mysql_framer_init(&framer);
    while (have == len && n - at >= MYSQL_HEADER_LEN) {
        struct event head = {.frame = MYSQL_FRAME_HEAD, .sequence = p[at + 3]};

        have = len = head.at = wire_get_u24le(p + at);
        head.head_len = len < MYSQL_FRAME_HEAD_LEN ? len : MYSQL_FRAME_HEAD_LEN;
        feed_copy(&framer, p + at, MYSQL_HEADER_LEN, place);
        at += MYSQL_HEADER_LEN;
        place += MYSQL_HEADER_LEN;
        if (len < MYSQL_PACKET_FULL) {
            have = n - at < len ? n - at : len;
            feed_copy(&framer, p + at, have, place);
            memcpy(head.head, p + at,
                   have < head.head_len ? have : head.head_len);
            at += have;
            place += have;
        } else {
            place = feed_full(&framer, place);
        }
        if (!continues && have >= head.head_len)
            note(&right, head);
        continues = len == MYSQL_PACKET_FULL;
        if (!continues && have == len)
            note(&right, (struct event){.frame = MYSQL_FRAME_END, .at = place});
    }
    check_same();
}

void
fuzz_mysqlframer(const uint8_t *p, size_t n)
{
    if (n < 2)
        return;
    check_pieces(p + 2, n - 2, n, 0);
    check_pieces(p + 2, n - 2, 1, p[0]);
    check_pieces(p + 2, n - 2, (size_t)p[1] + 1, p[0]);
    check_full(p + 2, n - 2);
}
