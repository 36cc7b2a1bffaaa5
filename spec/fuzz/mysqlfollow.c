/* SPDX-License-Identifier: MIT */
/*
 * Both sides of a session, in turns: the same is told of it in whatever pieces
 * its bytes come, no more commands wait than there is room for, and nothing is
 * told once it was lost.
 *
 * The first three bytes are what both sides can do and the length of a piece.
 * Then come turns: a byte whose highest bit says who speaks, and whose others
 * how long, and so many bytes.
 */
#include "codec/mysql_follow.h"

#include "fuzz.h"

enum {
    EVENTS_MAX = 8192,
    SAID = 0x80,
};

struct event {
    enum mysql_follow_event event;
    uint8_t command;
    struct mysql_follow_result result;
};

struct trace {
    struct mysql_follow follow;
    size_t count;
    struct event list[EVENTS_MAX];
};

static struct trace whole, cut;

static void
note(struct trace *trace, enum mysql_follow_event event)
{
    struct event *e = &trace->list[trace->count++];

    FUZZ_CHECK(trace->count < EVENTS_MAX);
    memset(e, 0, sizeof(*e));
    e->event = event;
    if (event == MYSQL_FOLLOW_COMMAND) {
        FUZZ_CHECK(trace->follow.up.head_len > 0);
        e->command = trace->follow.up.head[0];
    }
    if (event == MYSQL_FOLLOW_RESULT)
        e->result = trace->follow.result;
}

/* One piece, with nothing readable behind it. */
static void
feed(struct trace *trace, bool said, const uint8_t *p, size_t n)
{
    uint8_t *copy = fuzz_copy(p, n);
    bool lost = trace->follow.lost;
    enum mysql_follow_event event;
    size_t at = 0, used;

    do {
        event =
            said ? mysql_follow_said(&trace->follow, copy + at, n - at, &used)
                 : mysql_follow_sent(&trace->follow, copy + at, n - at, &used);
        FUZZ_CHECK(used <= n - at);
        FUZZ_CHECK(!lost || event == MYSQL_FOLLOW_MORE);
        FUZZ_CHECK(trace->follow.begun - trace->follow.answered <=
                   MYSQL_FOLLOW_MAX);
        at += used;
        lost = trace->follow.lost;
        if (event != MYSQL_FOLLOW_MORE && event != MYSQL_FOLLOW_OTHER)
            note(trace, event);
    } while (event != MYSQL_FOLLOW_MORE);
    FUZZ_CHECK(at == n);
    FUZZ_CHECK(memcmp(copy, p, n) == 0);
    free(copy);
}

static void
check_same(void)
{
    FUZZ_CHECK(whole.count == cut.count);
    for (size_t i = 0; i < whole.count; i++) {
        const struct event *a = &whole.list[i], *b = &cut.list[i];

        FUZZ_CHECK(a->event == b->event && a->command == b->command);
        FUZZ_CHECK(a->result.command == b->result.command &&
                   a->result.last == b->result.last &&
                   a->result.told == b->result.told &&
                   a->result.status == b->result.status &&
                   a->result.error == b->result.error);
    }
    FUZZ_CHECK(mysql_follow_is_busy(&whole.follow) ==
                   mysql_follow_is_busy(&cut.follow) ||
               whole.follow.lost);
}

void
fuzz_mysqlfollow(const uint8_t *p, size_t n)
{
    uint32_t can = MYSQL_CAN_PROTOCOL_41, mariadb = 0;
    size_t piece;

    if (n < 3)
        return;
    can |= (p[0] & 1) != 0 ? MYSQL_CAN_END_BY_OK : 0;
    can |= (p[0] & 2) != 0 ? MYSQL_CAN_NO_METADATA : 0;
    mariadb |= (p[0] & 4) != 0 ? MYSQL_MARIADB_CACHE : 0;
    mysql_follow_init(&whole.follow, can, mariadb, (p[1] & 1) != 0);
    mysql_follow_init(&cut.follow, can, mariadb, (p[1] & 1) != 0);
    whole.count = cut.count = 0;
    piece = p[2] == 0 ? 1 : p[2];
    for (p += 3, n -= 3; n > 0;) {
        bool said = (p[0] & SAID) != 0;
        size_t len = p[0] & (SAID - 1);

        p++, n--;
        len = len < n ? len : n;
        feed(&whole, said, p, len);
        for (size_t at = 0; at < len; at += piece)
            feed(&cut, said, p + at, len - at < piece ? len - at : piece);
        p += len, n -= len;
    }
    check_same();
}
