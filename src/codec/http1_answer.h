/* SPDX-License-Identifier: MIT */
/*
 * An answer of HTTP/1 as a client reads it (RFC 9112, 4 and 6.3): its head, and
 * then its body, however long that is said to be.
 *
 *     http1_answer_read ─▶ status, fields, framing
 *         1xx: once more ◀─┘        └─▶ http1_body_init
 *     http1_body_read … until done;  http1_body_close: the server has ended
 *
 * Refused, since two programs could read it differently, or nobody asked for
 * it: all that http1_read_request refuses of field lines, a status line that
 * status_line.h refuses or that a lone LF ends, 101, two Content-Lengths or one
 * that is not a plain number, Content-Length together with Transfer-Encoding,
 * codings other than exactly "chunked", any coding in 1.0.
 */
#ifndef CODEC_HTTP1_ANSWER_H
#define CODEC_HTTP1_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "codec/chunked.h"
#include "codec/http.h"

/* How the end of a body is told. */
enum http1_body_kind {
    HTTP1_BODY_NONE,    /* there is none */
    HTTP1_BODY_LENGTH,  /* by Content-Length */
    HTTP1_BODY_CHUNKED, /* by the last chunk */
    HTTP1_BODY_CLOSE,   /* by that of the connection */
};

enum http1_answer_error {
    HTTP1_ANSWER_E_LINE = -1,   /* no status line of HTTP/1 */
    HTTP1_ANSWER_E_FIELDS = -2, /* something that is no field line */
    HTTP1_ANSWER_E_COUNT = -3,  /* more than HTTP_MAX_FIELDS */
    HTTP1_ANSWER_E_LENGTH = -4, /* a bad Content-Length, or several */
    HTTP1_ANSWER_E_CODING = -5, /* a coding that is not known, or in 1.0 */
    HTTP1_ANSWER_E_BOTH = -6,   /* Content-Length and Transfer-Encoding */
    HTTP1_ANSWER_E_SWITCH = -7, /* 101: another protocol */
};

/* A head. All texts point into the bytes that were read. */
struct http1_answer {
    int status;                /* 100 to 599 */
    int minor;                 /* HTTP/1.minor: 0 or 1 */
    enum http1_body_kind body; /* of the answer to a GET or POST */
    uint64_t content_length;   /* with HTTP1_BODY_LENGTH */
    bool keep_alive;           /* the connection may be used again */
    uint32_t idle_s;           /* within that time, as Keep-Alive says;
                                  UINT32_MAX: it does not */
    struct http_fields fields; /* all of them, those that were used too */
};

/* A body on its way. */
struct http1_body {
    enum http1_body_kind kind;
    uint64_t left;          /* with HTTP1_BODY_LENGTH */
    struct chunked chunked; /* with HTTP1_BODY_CHUNKED */
    bool done;              /* all of it has come */
};

/* Reads a head from the N bytes at P. SEEN says how many of these an earlier
 * call has answered 0 for (0 at first). Returns the bytes taken, 0 for not
 * enough yet, or an http1_answer_error; *OUT holds nothing of use unless the
 * result is above 0. */
ssize_t http1_answer_read(struct http1_answer *out, const uint8_t *p, size_t n,
                          size_t seen) __attribute__((warn_unused_result));

/* Is it one of those that come before the answer itself (1xx)? */
static inline bool
http1_answer_is_interim(const struct http1_answer *answer)
{
    return answer->status < 200;
}

/* What is wrong, in words; never NULL. */
const char *http1_answer_error_text(enum http1_answer_error error);

/* The body that follows ANSWER. */
void
http1_body_init(struct http1_body *body, const struct http1_answer *answer);

/* Takes bytes from the N at P, and sets *DATA to what of them is data, empty if
 * none is. Returns the bytes taken, of which there is at least one unless N is
 * 0 or the body is done, or a chunked_error. What follows the body is never
 * taken; call it until all is taken or the body is done. */
ssize_t http1_body_read(struct http1_body *body, const uint8_t *p, size_t n,
                        struct str *data) __attribute__((warn_unused_result));

/* The server has ended its side: true where that is the end of the body, which
 * is done then; false where it is cut off. */
bool
http1_body_close(struct http1_body *body) __attribute__((warn_unused_result));

#endif
