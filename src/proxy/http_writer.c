/* SPDX-License-Identifier: MIT */
/*
 * What is flushed passes three places in this order, and none is entered while
 * the one before it holds anything:
 *
 *      spool (what the client did not take) ─▶ spans ─▶ files
 *
 * Spans that meet a full socket are copied to the spool, so the handler's
 * memory is its own again after a flush.  Files wait where they are.
 */
#include "proxy/http_writer.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/chunked.h"
#include "codec/http1.h"
#include "net/buffer.h"
#include "net/stream.h"

enum {
    HEAD_FIRST_SIZE = 1024, /* most heads fit */
    HEAD_FRAMING_SIZE = 96, /* the fields of frame_head, and the empty line */
    DRAIN_PIECES = 16,      /* buffers of the spool that leave in one call */
};

_Static_assert((int)WRITER_SIZE_LINE == (int)CHUNKED_SIZE_LINE,
               "a chunk's size line must fit");

static const char chunk_end[] = "\r\n0\r\n\r\n";

void
writer_init(struct http_writer *writer, struct stream *stream,
            struct arena *arena)
{
    writer->stream = stream;
    writer->arena = arena;
    writer->on_head = NULL;
    buf_init(&writer->head, NULL, 0);
    writer->head_len = 0;
    writer->head_begun = false;
    writer->head_only = false;
    writer->http10 = false;
    writer->keep_alive = false;
    writer->ended = false;
    writer->framed = false;
    writer->framing = WRITER_UNDECIDED;
    writer->error = 0;
    writer->status = 0;
    writer->length = -1;
    writer->span_count = 0;
    writer->span_bytes = 0;
    writer->files = NULL;
    writer->files_tail = &writer->files;
    writer->body_bytes = 0;
    writer->head_bytes = 0;
    writer->sent_bytes = 0;
}

void
writer_fini(struct http_writer *writer)
{
    spool_fini(&writer->spool);
}

static struct iovec
piece(const void *p, size_t n)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)p, .iov_len = n};
}

/* Takes N written bytes off the front of *IOV. */
static void
skip_pieces(struct iovec **iov, int *count, size_t n)
{
    while (*count > 0 && n >= (*iov)->iov_len) {
        n -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count > 0 && n > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + n;
        (*iov)->iov_len -= n;
    }
}

/* Writes pieces, which are used up; what the client does not take is copied to
 * the spool.  MORE: a file follows. */
static int
write_pieces(struct http_writer *writer, struct iovec *iov, int count,
             bool more)
{
    if (count > 0 && writer->stream->writable &&
        spool_is_empty(&writer->spool)) {
        ssize_t sent = more ? stream_writev_more(writer->stream, iov, count)
                            : stream_writev(writer->stream, iov, count);

        if (sent < 0 && errno != EAGAIN)
            return -1;
        if (sent > 0) {
            writer->sent_bytes += (uint64_t)sent;
            skip_pieces(&iov, &count, (size_t)sent);
        }
    }
    for (int i = 0; i < count; i++) {
        if (spool_append(&writer->spool, iov[i].iov_base, iov[i].iov_len) < 0)
            return -1;
    }
    return 0;
}

int
writer_interim(struct http_writer *writer, int status)
{
    char text[64];
    struct buf line;
    struct iovec iov;

    buf_init(&line, text, sizeof(text));
    http1_write_status(&line, status);
    http1_write_end(&line);
    assert(!line.failed);
    iov = piece(line.p, line.len);
    writer->head_bytes += line.len;
    return write_pieces(writer, &iov, 1, false);
}

/* Makes room for N bytes of head in the arena. */
static bool
head_reserve(struct http_writer *writer, size_t n)
{
    struct buf *head = &writer->head;
    size_t cap = head->cap == 0 ? HEAD_FIRST_SIZE : head->cap;
    char *p;

    if (head->failed || n > WRITER_HEAD_MAX - head->len)
        goto fail;
    if (n <= head->cap - head->len)
        return true;
    while (cap - head->len < n)
        cap *= 2;
    p = arena_alloc(writer->arena, cap);
    if (p == NULL)
        goto fail;
    if (head->len > 0)
        memcpy(p, head->p, head->len);
    head->p = p;
    head->cap = cap;
    return true;

fail:
    head->failed = true;
    return false;
}

void
writer_drop(struct http_writer *writer)
{
    assert(writer_is_unsent(writer));
    buf_reset(&writer->head);
    writer->head_begun = false;
    writer->ended = false;
    writer->length = -1;
    writer->span_count = 0;
    writer->span_bytes = 0;
    writer->files = NULL;
    writer->files_tail = &writer->files;
    writer->body_bytes = 0;
}

void
writer_begin(struct http_writer *writer, int status)
{
    static const char server[] = "Server: moongate\r\nDate: ";

    writer_drop(writer);
    writer->head_begun = true;
    writer->status = status;
    if (!head_reserve(writer, HEAD_FIRST_SIZE))
        return;
    http1_write_status(&writer->head, status);
    buf_add(&writer->head, server, sizeof(server) - 1);
    buf_str(&writer->head, clock_http_date());
    buf_add(&writer->head, "\r\n", 2);
}

void
writer_field(struct http_writer *writer, struct str name, struct str value)
{
    if (head_reserve(writer, name.len + value.len + sizeof(": \r\n")))
        http1_write_field(&writer->head, name, value);
}

void
writer_field_uint(struct http_writer *writer, struct str name, uint64_t value)
{
    if (head_reserve(writer, name.len + sizeof(": 18446744073709551615\r\n")))
        http1_write_field_uint(&writer->head, name, value);
}

void
writer_length(struct http_writer *writer, uint64_t length)
{
    assert(writer->body_bytes == 0);
    writer->length = (int64_t)length;
}

int
writer_reserve_head(struct http_writer *writer, size_t n)
{
    bool failed = writer->head.failed;

    if (head_reserve(writer, n))
        return 0;
    writer->head.failed = failed;
    errno = ENOMEM;
    return -1;
}

struct str
writer_head(const struct http_writer *writer)
{
    size_t len = writer_is_unsent(writer) ? writer->head.len : writer->head_len;

    return str_make(writer->head.p, len);
}

bool
writer_is_unsent(const struct http_writer *writer)
{
    return writer->framing == WRITER_UNDECIDED;
}

/* How much of N further bytes belongs to the body. */
static uint64_t
body_room(const struct http_writer *writer, uint64_t n)
{
    uint64_t left;

    if (writer->framing == WRITER_NO_BODY)
        return 0;
    if (writer->length < 0)
        return n;
    left = (uint64_t)writer->length - writer->body_bytes;
    return n < left ? n : left;
}

bool
writer_span(struct http_writer *writer, struct str bytes)
{
    size_t len = (size_t)body_room(writer, bytes.len);

    assert(writer->files == NULL && !writer->ended);
    if (len == 0)
        return true;
    if (writer->span_count == WRITER_SPANS_MAX)
        return false;
    writer->spans[WRITER_SPANS_FRONT + writer->span_count++] =
        piece(bytes.p, len);
    writer->span_bytes += len;
    writer->body_bytes += len;
    return true;
}

int
writer_file(struct http_writer *writer, struct str before, int fd, off_t offset,
            uint64_t len)
{
    struct writer_file *file;

    assert(writer->span_count == 0 && !writer->ended);
    if (writer->framing == WRITER_NO_BODY)
        return 0;
    file = arena_alloc(writer->arena, sizeof(*file));
    if (file == NULL) {
        errno = ENOMEM;
        return -1;
    }
    *file = (struct writer_file){
        .before = before,
        .fd = fd,
        .offset = offset,
        .len = fd < 0 ? 0 : len,
    };
    writer->body_bytes += before.len + file->len;
    *writer->files_tail = file;
    writer->files_tail = &file->next;
    return 0;
}

void
writer_end(struct http_writer *writer)
{
    writer->ended = true;
}

/* RFC 9110, 6.4.1 */
static bool
has_no_body(const struct http_writer *writer)
{
    return writer->head_only || writer->status < 200 || writer->status == 204 ||
           writer->status == 304;
}

/* RFC 9112, 6.3 */
static enum writer_framing
choose_framing(struct http_writer *writer)
{
    /* An application that writes nothing for HEAD does not say by that how
     * long its answer to GET would be (RFC 9110, 8.6). */
    bool told = !writer->head_only || writer->body_bytes > 0;

    if (writer->ended && writer->length < 0 && told)
        writer->length = (int64_t)writer->body_bytes;
    if (has_no_body(writer))
        return WRITER_NO_BODY;
    if (writer->length >= 0)
        return WRITER_LENGTH;
    return writer->http10 ? WRITER_CLOSE : WRITER_CHUNKED;
}

static void
drop_body(struct http_writer *writer)
{
    writer->span_count = 0;
    writer->span_bytes = 0;
    writer->files = NULL;
    writer->files_tail = &writer->files;
    writer->body_bytes = 0;
}

/* Ends the head with what the framing says of it.  A 304 speaks of another
 * response's length (RFC 9110, 15.4.5); it is left out, as in nginx. */
static void
frame_head(struct http_writer *writer)
{
    struct buf *head = &writer->head;
    int status = writer->status;

    writer->framing = choose_framing(writer);
    if (writer->framing == WRITER_NO_BODY)
        drop_body(writer);
    if (writer->framing == WRITER_CLOSE)
        writer->keep_alive = false;
    if (!head_reserve(writer, HEAD_FRAMING_SIZE))
        return;
    if (writer->framing == WRITER_CHUNKED)
        buf_str(head, STR("Transfer-Encoding: chunked\r\n"));
    else if (writer->length >= 0 && status >= 200 && status != 204 &&
             status != 304)
        http1_write_field_uint(head, STR("Content-Length"),
                               (uint64_t)writer->length);
    if (!writer->keep_alive)
        buf_str(head, STR("Connection: close\r\n"));
    else if (writer->http10)
        buf_str(head, STR("Connection: keep-alive\r\n"));
    writer->head_len = head->len;
    http1_write_end(head);
    writer->head_bytes += head->len;
}

/* Puts the chunk's size line before the spans and its end behind them. */
static struct iovec *
frame_chunk(struct http_writer *writer, struct iovec *iov, int *count)
{
    bool last = writer->ended && !writer->framed;
    size_t from = writer->span_bytes > 0 ? 0 : 2;
    size_t len = (last ? sizeof(chunk_end) - 1 : 2) - from;

    if (writer->span_bytes == 0 && !last)
        return iov;
    iov[(*count)++] = piece(chunk_end + from, len);
    writer->framed = last;
    if (writer->span_bytes == 0)
        return iov;
    len = chunked_write_size(writer->size_line, writer->span_bytes);
    *--iov = piece(writer->size_line, len);
    (*count)++;
    return iov;
}

/* Head and spans in one call. */
static int
write_spans(struct http_writer *writer)
{
    struct iovec *iov = writer->spans + WRITER_SPANS_FRONT;
    int count = writer->span_count;

    if (writer->framing == WRITER_CHUNKED)
        iov = frame_chunk(writer, iov, &count);
    if (writer->head.len > 0) {
        *--iov = piece(writer->head.p, writer->head.len);
        count++;
    }
    writer->span_count = 0;
    writer->span_bytes = 0;
    writer->head.len = 0;
    return write_pieces(writer, iov, count, false);
}

/* The bytes are copied, not sent by sendfile: that would queue the file's own
 * pages, and freeing what was consumed (a hole, a truncation) would turn what
 * the client has not yet received into zeros. */
static ssize_t
write_spooled_file(struct http_writer *writer)
{
    struct spool *spool = &writer->spool;
    struct buffer *buffer = buffer_take(spool->pool);
    off_t offset;
    size_t len;
    ssize_t n;
    int fd;

    if (buffer == NULL) {
        errno = ENOMEM;
        return -1;
    }
    len = spool_peek_file(spool, &fd, &offset);
    n = pread(fd, buffer->data, len < BUFFER_SIZE ? len : BUFFER_SIZE, offset);
    if (n > 0)
        n = stream_write(writer->stream, buffer->data, (size_t)n);
    buffer_give(spool->pool, buffer);
    return n;
}

/* The spool's next bytes: as stream_writev. */
static ssize_t
write_spooled(struct http_writer *writer)
{
    struct iovec iov[DRAIN_PIECES];
    int count = spool_peek(&writer->spool, iov, DRAIN_PIECES);

    if (count == 0)
        return write_spooled_file(writer);
    return stream_writev(writer->stream, iov, count);
}

static int
drain_spool(struct http_writer *writer, size_t *budget)
{
    while (*budget > 0 && writer->stream->writable &&
           !spool_is_empty(&writer->spool)) {
        ssize_t sent = write_spooled(writer);

        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        if (sent == 0) {
            errno = EIO;
            return -1;
        }
        spool_consume(&writer->spool, (size_t)sent);
        writer->sent_bytes += (uint64_t)sent;
        *budget -= (size_t)sent < *budget ? (size_t)sent : *budget;
    }
    return 0;
}

/* The head, if it is still here, and what stands before FILE. */
static int
write_before(struct http_writer *writer, struct writer_file *file)
{
    struct iovec iov[2];
    int count = 0;

    if (writer->head.len > 0)
        iov[count++] = piece(writer->head.p, writer->head.len);
    if (file->before.len > 0)
        iov[count++] = piece(file->before.p, file->before.len);
    writer->head.len = 0;
    file->before.len = 0;
    if (count == 0)
        return 0;
    return write_pieces(writer, iov, count, file->len > 0);
}

/* The file's bytes, as far as the client takes them.  Fewer than asked for may
 * also mean that the file has become shorter, and then no edge will come: so
 * only EAGAIN ends it. */
static int
write_file(struct http_writer *writer, struct writer_file *file, size_t *budget)
{
    if (!writer->stream->writable)
        return 0;
    while (file->len > 0 && *budget > 0) {
        size_t part = file->len < *budget ? (size_t)file->len : *budget;
        ssize_t sent =
            stream_sendfile(writer->stream, file->fd, file->offset, part);

        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        /* It is shorter than it was when its length was announced. */
        if (sent == 0) {
            errno = EIO;
            return -1;
        }
        file->offset += sent;
        file->len -= (uint64_t)sent;
        writer->sent_bytes += (uint64_t)sent;
        *budget -= (size_t)sent;
    }
    return 0;
}

static int
write_files(struct http_writer *writer, size_t *budget)
{
    while (writer->files != NULL) {
        struct writer_file *file = writer->files;

        if (write_before(writer, file) < 0)
            return -1;
        if (!spool_is_empty(&writer->spool))
            return 0;
        if (write_file(writer, file, budget) < 0)
            return -1;
        if (file->len > 0)
            return 0;
        writer->files = file->next;
    }
    writer->files_tail = &writer->files;
    return 0;
}

static enum writer_result
flush(struct http_writer *writer)
{
    size_t budget = WRITER_TURN_MAX;

    if (writer->head_begun && writer->framing == WRITER_UNDECIDED) {
        if (writer->on_head != NULL)
            writer->on_head(writer);
        frame_head(writer);
        if (writer->head.failed) {
            errno = ENOMEM;
            return WRITER_FAILED;
        }
    }
    if (drain_spool(writer, &budget) < 0)
        return WRITER_FAILED;
    if (writer->files == NULL && write_spans(writer) < 0)
        return WRITER_FAILED;
    if (spool_is_empty(&writer->spool) && write_files(writer, &budget) < 0)
        return WRITER_FAILED;
    if (budget == 0 && writer->stream->writable &&
        stream_yield(writer->stream) < 0)
        return WRITER_FAILED;
    if (!spool_is_empty(&writer->spool) || writer->files != NULL)
        return WRITER_BLOCKED;
    if (!writer->ended)
        return WRITER_IDLE;
    if (writer->framing == WRITER_LENGTH &&
        writer->body_bytes < (uint64_t)writer->length)
        writer->keep_alive = false;
    return WRITER_DONE;
}

/* What was lost by a failure leaves a gap, so nothing may follow it. */
enum writer_result
writer_flush(struct http_writer *writer)
{
    enum writer_result result;

    if (writer->error != 0) {
        errno = writer->error;
        return WRITER_FAILED;
    }
    result = flush(writer);
    if (result == WRITER_FAILED)
        writer->error = errno;
    return result;
}
