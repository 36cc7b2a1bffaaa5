/* SPDX-License-Identifier: MIT */
/*
 *     Total events captured: 2
 *
 *     [24/Nov/2026:11:30:00.123] request refused in http web
 *       client 127.0.0.1:40000, worker 0, event 2
 *       white space before the colon, at byte 20 of 41:
 *       00000  GET / HTTP/1.1\r\n
 *       00016  Host : a\r\n
 *       00026  \r\n
 *
 * A line of a dump ends where one of the message does; one that begins with a
 * plus behind its number goes on with the line before it.
 */
#include "board/render_errors.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/captures.h"
#include "board/json.h"

enum {
    DUMP_WIDTH = 64, /* bytes of a message on a line, at most */
    SHOWN_MAX = 256, /* messages, however many workers there are and were */
};

/* Where a capture lies; its time is what they are sorted by. */
struct place {
    uint64_t at_ms;
    uint64_t number;
    unsigned worker;
    unsigned i;
};

static const char *const kind_words[] = {
    [CAPTURE_REQUEST] = "request",
    [CAPTURE_BODY] = "request body",
    [CAPTURE_PROXY] = "PROXY header",
    [CAPTURE_FASTCGI] = "FastCGI answer",
    [CAPTURE_LOGIN] = "MySQL login",
    [CAPTURE_MYSQL] = "MySQL packet of a server",
};

static const char *
kind_word(const struct capture *c)
{
    size_t count = sizeof(kind_words) / sizeof(*kind_words);

    return c->kind < count ? kind_words[c->kind] : "message";
}

/* --- all of them, the last one first -------------------------------------- */

static bool
comes_first(const struct place *one, const struct place *two)
{
    if (one->at_ms != two->at_ms)
        return one->at_ms > two->at_ms;
    if (one->worker != two->worker)
        return one->worker < two->worker;
    return one->number > two->number;
}

/* Puts ONE among the COUNT that are in order, of which the last one goes where
 * there are too many; how many there are then. */
static size_t
insert(struct place places[SHOWN_MAX], size_t count, const struct place *one)
{
    size_t at = count;

    while (at > 0 && comes_first(one, &places[at - 1]))
        at--;
    if (at == SHOWN_MAX)
        return count;
    if (count == SHOWN_MAX)
        count--;
    memmove(&places[at + 1], &places[at], (count - at) * sizeof(*places));
    places[at] = *one;
    return count + 1;
}

/* The last ones of all; how many they are. */
static size_t
find_places(struct place places[SHOWN_MAX], const struct board *b)
{
    struct capture c;
    size_t count = 0;

    for (unsigned w = 0; w < board_worker_top(b); w++) {
        for (unsigned i = 0; i < CAPTURES_KEPT; i++) {
            if (!captures_read(&c, b, w, i))
                continue;
            count = insert(places, count,
                           &(struct place){
                               .at_ms = c.at_ms,
                               .number = c.number,
                               .worker = w,
                               .i = i,
                           });
        }
    }
    return count;
}

static uint64_t
count_all(const struct board *b)
{
    uint64_t count = 0;

    for (unsigned w = 0; w < board_worker_top(b); w++)
        count += captures_count(b, w);
    return count;
}

/* --- as text -------------------------------------------------------------- */

/* What somebody has sent, for a terminal: nothing in it moves a cursor. */
static void
put_byte(struct buf *out, uint8_t c)
{
    static const char letters[] = "\rr\nn\tt\\\\";

    for (const char *p = letters; *p != '\0'; p += 2) {
        if ((uint8_t)*p == c) {
            buf_printf(out, "\\%c", p[1]);
            return;
        }
    }
    if (c >= ' ' && c < 0x7f)
        buf_char(out, (char)c);
    else
        buf_printf(out, "\\x%02x", c);
}

static void
put_printable(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        put_byte(out, (uint8_t)*text);
}

static void
put_dump(struct buf *out, const struct capture *c)
{
    size_t begun = 0; /* the line of the message */

    for (size_t i = 0; i < c->len; i++) {
        bool first = i == begun;

        if (first || (i - begun) % DUMP_WIDTH == 0)
            buf_printf(out, "%s  %05" PRIu64 "%s ", i == 0 ? "" : "\n",
                       c->from + i, first ? " " : "+");
        put_byte(out, (uint8_t)c->bytes[i]);
        if (c->bytes[i] == '\n')
            begun = i + 1;
    }
    if (c->len > 0)
        buf_char(out, '\n');
}

static void
capture_text(struct buf *out, const struct capture *c, unsigned worker)
{
    buf_printf(out, "\n[" STR_FMT "] %s refused in %s\n  client ",
               STR_ARG(clock_haproxy_date_at(c->at_ms)), kind_word(c),
               c->section[0] == '\0' ? "-" : c->section);
    put_printable(out, c->client);
    if (c->server[0] != '\0')
        buf_printf(out, ", server %s", c->server);
    buf_printf(out, ", worker %u, event %" PRIu64 "\n  ", worker, c->number);
    put_printable(out, c->why);
    if (c->fault != CAPTURE_NOWHERE)
        buf_printf(out, ", at byte %" PRId64 " of %" PRIu64, c->fault,
                   c->total);
    buf_str(out, c->len > 0 ? STR(":\n") : STR("\n"));
    put_dump(out, c);
}

/* --- as JSON -------------------------------------------------------------- */

/* Bytes as text that holds any of them: printable ones, and \xNN. */
static void
put_bytes_json(struct buf *out, const struct capture *c)
{
    static const char digits[] = "0123456789abcdef";

    buf_char(out, '"');
    for (size_t i = 0; i < c->len; i++) {
        uint8_t byte = (uint8_t)c->bytes[i];

        if (byte == '"')
            buf_str(out, STR("\\\""));
        else if (byte == '\\')
            buf_str(out, STR("\\\\\\\\"));
        else if (byte >= ' ' && byte < 0x7f)
            buf_char(out, (char)byte);
        else
            buf_printf(out, "\\\\x%c%c", digits[byte >> 4], digits[byte & 15]);
    }
    buf_char(out, '"');
}

static void
capture_json(struct buf *out, const struct capture *c, unsigned worker)
{
    buf_printf(out,
               "{\"at_ms\":%" PRIu64 ",\"worker\":%u,\"event\":%" PRIu64
               ",\"kind\":\"%s\",\"section\":",
               c->at_ms, worker, c->number, kind_word(c));
    json_string(out, str_from(c->section));
    buf_str(out, STR(",\"client\":"));
    json_string(out, str_from(c->client));
    buf_str(out, STR(",\"server\":"));
    json_string(out, str_from(c->server));
    buf_str(out, STR(",\"why\":"));
    json_string(out, str_from(c->why));
    if (c->fault == CAPTURE_NOWHERE)
        buf_str(out, STR(",\"fault\":null"));
    else
        buf_printf(out, ",\"fault\":%" PRId64, c->fault);
    buf_printf(out, ",\"total\":%" PRIu64 ",\"from\":%" PRIu64 ",\"bytes\":",
               c->total, c->from);
    put_bytes_json(out, c);
    buf_char(out, '}');
}

/* --- the whole ------------------------------------------------------------ */

void
render_errors(struct buf *out, const struct board *b, enum render_format format)
{
    bool json = format == RENDER_JSON;
    struct place places[SHOWN_MAX];
    size_t count = find_places(places, b);
    const char *comma = "";
    struct capture c;

    buf_printf(out,
               json ? "{\"captured\":%" PRIu64 ",\"events\":["
                    : "Total events captured: %" PRIu64 "\n",
               count_all(b));
    for (size_t i = 0; i < count; i++) {
        /* Newer ones may have come meanwhile. */
        if (!captures_read(&c, b, places[i].worker, places[i].i))
            continue;
        if (json)
            buf_str(out, str_from(comma));
        (json ? capture_json : capture_text)(out, &c, places[i].worker);
        comma = ",";
    }
    if (json)
        buf_str(out, STR("]}\n"));
}
