/* SPDX-License-Identifier: MIT */
/*
 * Writes one HTTP/1.x response: head, framing, body, in as few system calls as
 * there can be.  Spans that the handler adds leave together with the head in
 * one sendmsg; what the client does not take at once is copied to a spool.
 *
 *      begin ─ field … ─ length? ─ span, span … ─ flush ─ … ─ end ─ flush
 *                               └─ file, span, file … ─ end ─ flush
 *
 * A response whose end is known at the first flush gets a Content-Length; one
 * that streams is chunked (RFC 9112, 7.1), or ends with the connection in
 * HTTP/1.0.  Nothing of a body is written for HEAD, 1xx, 204 and 304.
 */
#ifndef PROXY_HTTP_WRITER_H
#define PROXY_HTTP_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "proxy/spool.h"

enum {
    WRITER_SPANS_MAX = 60,      /* spans between two flushes */
    WRITER_SPANS_FRONT = 2,     /* room for the head and a chunk's size line */
    WRITER_SPANS_BACK = 1,      /* room for a chunk's end */
    WRITER_SIZE_LINE = 18,      /* bytes of a chunk's size line, at most */
    WRITER_HEAD_MAX = 64 << 10, /* bytes of a response head */
    WRITER_TURN_MAX = 2 << 20,  /* bytes sent in one turn of the loop */
};

enum writer_framing {
    WRITER_UNDECIDED, /* until the first flush */
    WRITER_NO_BODY,   /* HEAD, 1xx, 204, 304 */
    WRITER_LENGTH,    /* as announced by Content-Length */
    WRITER_CHUNKED,   /* RFC 9112, 7.1 */
    WRITER_CLOSE,     /* up to the end of the connection */
};

enum writer_result {
    WRITER_IDLE,    /* all that was given is written; more may come */
    WRITER_BLOCKED, /* the client does not take more now */
    WRITER_DONE,    /* the response has ended, all of it is written */
    WRITER_FAILED,  /* errno says why: the connection is of no more use */
};

struct stream;

/* Bytes of a file on their way, in the order they were given among spans. */
struct writer_file {
    struct writer_file *next;
    struct str before; /* written before the file's bytes */
    int fd;            /* the caller's; -1: only `before` */
    off_t offset;
    uint64_t len;
};

struct http_writer {
    struct stream *stream;
    struct arena *arena; /* for heads and files; the exchange's */

    /* The head is whole but for its framing, and about to leave: it may be
     * changed now. NULL: nobody asks. */
    void (*on_head)(struct http_writer *writer);
    struct buf head;
    size_t head_len; /* of the head once it was framed, which stays at head.p */
    bool head_begun;
    bool head_only;  /* the request was HEAD */
    bool http10;     /* the client speaks HTTP/1.0 */
    bool keep_alive; /* the connection stays open after the response */
    bool ended;      /* no more body will be added */
    bool framed;     /* the end of a chunked body was added */
    enum writer_framing framing;
    int error; /* errno of the failure that ended all writing; 0: none */
    int status;
    int64_t length; /* announced; -1: not known */

    /* The handler's begin behind WRITER_SPANS_FRONT. */
    struct iovec
        spans[WRITER_SPANS_FRONT + WRITER_SPANS_MAX + WRITER_SPANS_BACK];
    int span_count;
    size_t span_bytes;
    char size_line[WRITER_SIZE_LINE];
    struct writer_file *files; /* what is left of them */
    struct writer_file **files_tail;
    struct spool spool;

    uint64_t body_bytes; /* of the body, given by the handler to be sent */
    uint64_t head_bytes; /* of heads */
    uint64_t sent_bytes; /* taken by the socket, all together */
};

/* Before anything else.  The spool is the caller's to initialise. */
void writer_init(struct http_writer *writer, struct stream *stream,
                 struct arena *arena);
void writer_fini(struct http_writer *writer);

/* Sends an interim response (100) at once. */
int writer_interim(struct http_writer *writer, int status) MUST_CHECK;

/* Begins the head; Server, Date and, as framing demands, Connection,
 * Content-Length and Transfer-Encoding are the writer's own.  A response that
 * was begun and not flushed is dropped (an error takes the place of an
 * answer). */
void writer_begin(struct http_writer *writer, int status);
void
writer_field(struct http_writer *writer, struct str name, struct str value);
void
writer_field_uint(struct http_writer *writer, struct str name, uint64_t value);

/* Drops a response that was begun and not flushed, with what its spans and
 * files point to, while nothing takes its place yet. */
void writer_drop(struct http_writer *writer);

/* Announces the body's length, before any of it is added.  Bytes beyond it are
 * dropped; if fewer come, the connection does not stay open. */
void writer_length(struct http_writer *writer, uint64_t length);

/* Makes room for N more bytes of a head that was begun and has not left. -1
 * with errno (ENOMEM), and the head is as it was. */
int writer_reserve_head(struct http_writer *writer, size_t n) MUST_CHECK;

/* The response's head as it stands, without the empty line at its end; or as it
 * was sent. */
struct str writer_head(const struct http_writer *writer);

/* Whether nothing of the response has left yet, so that another can be begun
 * in its place. */
bool writer_is_unsent(const struct http_writer *writer);

/* Bytes of the body that the socket took, framing included, as nginx counts
 * them. */
static inline uint64_t
writer_body_sent(const struct http_writer *writer)
{
    return writer->sent_bytes > writer->head_bytes
               ? writer->sent_bytes - writer->head_bytes
               : 0;
}

/* Adds body bytes, which stay the caller's and must stay where they are until
 * writer_flush.  false: flush first, there are WRITER_SPANS_MAX. */
bool writer_span(struct http_writer *writer, struct str bytes) MUST_CHECK;

/* Adds LEN bytes of the file FD from OFFSET (FD -1: none), with the bytes of
 * BEFORE in front; both stay valid until all is written or the exchange ends.
 * -1 without memory.  A response has either spans or files, and files only
 * when their length is announced, or all are added before the first flush. */
int writer_file(struct http_writer *writer, struct str before, int fd,
                off_t offset, uint64_t len) MUST_CHECK;

/* No more body will come. */
void writer_end(struct http_writer *writer);

/* Writes what can be written now, at most about WRITER_TURN_MAX bytes (then
 * the stream's on_ready is called again in a later turn).  Call it after
 * adding, and whenever the stream has become writable; whether spans were
 * taken or copied, they are free again.  After a failure it fails for good. */
enum writer_result writer_flush(struct http_writer *writer) MUST_CHECK;

#endif
