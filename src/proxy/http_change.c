/* SPDX-License-Identifier: MIT */
/*
 * The head is text by then, lines that the writer has put together itself: so
 * they are found by their ends, and there is no line that is not "name: value"
 * but the first.
 */
#include "proxy/http_change.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "codec/http.h"
#include "codec/http1.h"
#include "proxy/http_exchange.h"

enum {
    HEAD_SPARE = 1024,     /* of a head's room; left for what frames it */
    STATUS_LINE_MAX = 128, /* bytes of a first line */
};

/* Where the line at AT ends, with its line end. */
static size_t
line_end(struct str head, size_t at)
{
    ptrdiff_t end = str_find_char(head, '\n', at);

    return end < 0 ? head.len : (size_t)end + 1;
}

/* Whether the line is a field of this name. */
static bool
is_field(struct str line, struct str name)
{
    return line.len > name.len && line.p[name.len] == ':' &&
           str_equal_nocase(str_slice(line, 0, name.len), name);
}

/* The first field of this name from AT: where its line begins; head.len: there
 * is none. */
static size_t
find_field(struct str head, size_t at, struct str name)
{
    while (at < head.len) {
        size_t end = line_end(head, at);

        if (is_field(str_slice(head, at, end), name))
            return at;
        at = end;
    }
    return head.len;
}

struct str
change_find(const struct http_exchange *exchange, struct str name,
            char space[CHANGE_NUMBER_MAX])
{
    const struct http_writer *writer = &exchange->writer;
    struct str head = writer_head(writer);
    size_t at = find_field(head, line_end(head, 0), name);
    struct buf number;

    if (at < head.len)
        return str_trim(
            str_slice(head, at + name.len + 1, line_end(head, at) - 2));
    if (!writer_is_unsent(writer) || writer->length < 0 ||
        !str_equal_nocase(name, STR("Content-Length")))
        return (struct str){0};
    buf_init(&number, space, CHANGE_NUMBER_MAX);
    buf_uint(&number, (uint64_t)writer->length);
    return buf_text(&number);
}

/* Takes the bytes from AT to END out of the head. */
static void
cut(struct buf *head, size_t at, size_t end)
{
    memmove(head->p + at, head->p + end, head->len - end);
    head->len -= end - at;
}

static void
remove_fields(struct buf *head, struct str name)
{
    size_t at = line_end(buf_text(head), 0);

    while ((at = find_field(buf_text(head), at, name)) < head->len)
        cut(head, at, line_end(buf_text(head), at));
}

static int
check_field(struct str name, struct str value)
{
    if (http_is_token(name) && (value.p == NULL || http_is_value(value)))
        return 0;
    errno = EINVAL;
    return -1;
}

int
change_add(struct http_exchange *exchange, struct str name, struct str value)
{
    struct http_writer *writer = &exchange->writer;

    assert(writer_is_unsent(writer) && writer->head_begun);
    if (check_field(name, value) < 0)
        return -1;
    if (writer->head.failed || writer->head.len + name.len + value.len >
                                   WRITER_HEAD_MAX - HEAD_SPARE) {
        errno = E2BIG;
        return -1;
    }
    if (writer_reserve_head(writer, name.len + value.len + sizeof(": \r\n")) <
        0)
        return -1;
    writer_field(writer, name, value);
    return 0;
}

/* The new one is added first: where there is no room, the old ones stay. */
int
change_set(struct http_exchange *exchange, struct str name, struct str value)
{
    struct buf *head = &exchange->writer.head;
    size_t before = head->len;
    size_t added = 0;

    assert(writer_is_unsent(&exchange->writer));
    if (check_field(name, value) < 0)
        return -1;
    if (value.p != NULL) {
        if (change_add(exchange, name, value) < 0)
            return -1;
        added = head->len - before;
    }
    /* What was added is kept out of the search. */
    head->len = before;
    remove_fields(head, name);
    memmove(head->p + head->len, head->p + before, added);
    head->len += added;
    return 0;
}

int
change_status(struct http_exchange *exchange, int status)
{
    struct http_writer *writer = &exchange->writer;
    struct buf *head = &writer->head;
    size_t old = line_end(buf_text(head), 0);
    char text[STATUS_LINE_MAX];
    struct buf line;

    assert(writer_is_unsent(writer) && writer->head_begun);
    if (status < 200 || status > 599) {
        errno = EINVAL;
        return -1;
    }
    buf_init(&line, text, sizeof(text));
    http1_write_status(&line, status);
    assert(!line.failed);
    if (writer_reserve_head(writer, line.len) < 0)
        return -1;
    memmove(head->p + line.len, head->p + old, head->len - old);
    memcpy(head->p, line.p, line.len);
    head->len = head->len - old + line.len;
    /* What it was before spoke of the length of another response. */
    if (writer->status == 304)
        writer->length = -1;
    writer->status = status;
    return 0;
}

double
change_upstream_ms(const struct http_exchange *exchange)
{
    const struct exchange_times *times = &exchange->times;

    if (times->response_us == 0 || times->picked_us == 0)
        return -1;
    return (double)(times->response_us - times->picked_us) / 1000.0;
}
