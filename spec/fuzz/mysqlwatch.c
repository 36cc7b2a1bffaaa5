/* SPDX-License-Identifier: MIT */
/*
 * The client's side of a session: a watch finds the same changes of user and
 * lets the same bytes pass in whatever pieces they come, keeps no more back
 * than it says, and stops at nothing but a packet of that command.
 *
 * The first byte is the length of a piece.
 */
#include "base/wire.h"
#include "codec/mysql_kill.h"
#include "codec/mysql_watch.h"

#include "fuzz.h"

enum {
    CHANGES_MAX = 1024,
};

struct found {
    size_t count;
    size_t places[CHANGES_MAX]; /* where it has stopped */
    size_t passed;              /* or were taken out */
};

/* How long the packet at P is with its header; 0: it is not all there. */
static size_t
packet_len(const uint8_t *p, size_t n)
{
    size_t len;

    if (n < MYSQL_HEADER_LEN)
        return 0;
    len = MYSQL_HEADER_LEN + wire_get_u24le(p);
    return n < len ? 0 : len;
}

/* One call, with nothing readable behind the bytes. */
static size_t
pass(struct mysql_watch *watch, const uint8_t *p, size_t n,
     enum mysql_watch_stop *stop)
{
    uint8_t *copy = fuzz_copy(p, n);
    size_t passed = mysql_watch_pass(watch, copy, n, stop);
    const uint8_t *payload = p + passed + MYSQL_HEADER_LEN;

    free(copy);
    FUZZ_CHECK(passed <= n);
    if (*stop == MYSQL_WATCH_NOTHING) {
        FUZZ_CHECK(n - passed <= MYSQL_WATCH_KEPT_MAX);
        return passed;
    }
    FUZZ_CHECK(n - passed > MYSQL_HEADER_LEN && p[passed + 3] == 0);
    if (*stop == MYSQL_WATCH_CHANGE)
        FUZZ_CHECK(payload[0] == MYSQL_COM_CHANGE_USER);
    else
        FUZZ_CHECK(
            watch->text_at > 0 &&
            wire_get_u24le(p + passed) <= MYSQL_KILL_MAX &&
            (payload[0] == MYSQL_COM_KILL || payload[0] == MYSQL_COM_QUERY));
    return passed;
}

static void
note(struct found *found, size_t place)
{
    FUZZ_CHECK(found->count < CHANGES_MAX);
    found->places[found->count++] = place;
}

static void
feed(struct found *found, const uint8_t *p, size_t n, size_t piece,
     uint8_t text_at)
{
    struct mysql_watch watch;
    size_t at = 0, there = 0;
    enum mysql_watch_stop stop = MYSQL_WATCH_NOTHING;

    found->count = 0;
    mysql_watch_init(&watch, text_at);
    while (there < n) {
        there += n - there < piece ? n - there : piece;
        do {
            if (stop == MYSQL_WATCH_NOTHING)
                at += pass(&watch, p + at, there - at, &stop);
            if (stop == MYSQL_WATCH_NOTHING ||
                packet_len(p + at, there - at) == 0)
                break;
            note(found, at);
            at += packet_len(p + at, there - at);
            mysql_watch_taken(&watch, stop);
            stop = MYSQL_WATCH_NOTHING;
        } while (at < there);
    }
    found->passed = at;
}

static void
check_same(const struct found *a, const struct found *b)
{
    FUZZ_CHECK(a->count == b->count && a->passed == b->passed);
    FUZZ_CHECK(memcmp(a->places, b->places, a->count * sizeof(*a->places)) ==
               0);
}

void
fuzz_mysqlwatch(const uint8_t *p, size_t n)
{
    static struct found whole, pieces;

    if (n < 1)
        return;
    feed(&whole, p + 1, n - 1, n, p[0] & 3);
    feed(&pieces, p + 1, n - 1, 1, p[0] & 3);
    check_same(&whole, &pieces);
    feed(&pieces, p + 1, n - 1, (size_t)p[0] + 1, p[0] & 3);
    check_same(&whole, &pieces);
}
