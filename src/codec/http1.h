/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 and 1.0 on the wire (RFC 9112): request heads are read, response
 * heads are written.
 *
 * Refused, so that no two programs can understand one request differently:
 * line ends other than CR LF, NUL and other control bytes, continuation lines,
 * white space before a colon or around the parts of the first line, methods
 * that are not [A-Z_-]+, fragments, authority-form and CONNECT, "*" but for
 * OPTIONS, schemes other than http and https, user names in an authority,
 * versions other than 1.0 and 1.1, no Host in 1.1, two Hosts, a Host that is no
 * host, two Content-Lengths (equal ones and lists too) or one that is not a
 * plain number, Content-Length together with Transfer-Encoding, codings other
 * than exactly "chunked", any coding in 1.0, expectations other than
 * 100-continue. Bytes from 0x80 in a target are taken, as nginx does.
 */
#ifndef CODEC_HTTP1_H
#define CODEC_HTTP1_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/http.h"

enum {
    HTTP1_MAX_EMPTY_LINES = 4, /* before a request (RFC 9112, 2.2) */
    HTTP1_MAX_METHOD = 32,     /* bytes of a method's name */
    HTTP1_MAX_HOST = 255,      /* bytes of a host without its port */
};

enum http1_error {
    HTTP1_E_EMPTY_LINES = -1,     /* too many empty lines before a request */
    HTTP1_E_METHOD = -2,          /* no method name */
    HTTP1_E_CONNECT = -3,         /* CONNECT is not implemented */
    HTTP1_E_TARGET = -4,          /* no form of a target, or a bad byte */
    HTTP1_E_ASTERISK = -5,        /* "*" without OPTIONS */
    HTTP1_E_VERSION_SYNTAX = -6,  /* not HTTP/digit.digit, or none */
    HTTP1_E_VERSION = -7,         /* not 1.0 or 1.1 */
    HTTP1_E_LINE_END = -8,        /* a CR or an LF without the other */
    HTTP1_E_NUL = -9,             /* a NUL */
    HTTP1_E_CONTROL = -10,        /* another control byte */
    HTTP1_E_FOLD = -11,           /* a line that begins with white space */
    HTTP1_E_NAME = -12,           /* a field name that is not a token */
    HTTP1_E_NAME_SPACE = -13,     /* white space before the colon */
    HTTP1_E_COLON = -14,          /* a field line without a colon */
    HTTP1_E_FIELD_COUNT = -15,    /* more than HTTP_MAX_FIELDS */
    HTTP1_E_HOST_MISSING = -16,   /* HTTP/1.1 without Host */
    HTTP1_E_HOST_TWICE = -17,     /* more than one Host */
    HTTP1_E_HOST = -18,           /* not a host, or not a port */
    HTTP1_E_LENGTH = -19,         /* Content-Length is not a plain number */
    HTTP1_E_LENGTH_TWICE = -20,   /* more than one Content-Length */
    HTTP1_E_LENGTH_CODING = -21,  /* Content-Length and Transfer-Encoding */
    HTTP1_E_CODING = -22,         /* a Transfer-Encoding that is not known */
    HTTP1_E_CODING_TWICE = -23,   /* more than one Transfer-Encoding */
    HTTP1_E_CODING_VERSION = -24, /* Transfer-Encoding in HTTP/1.0 */
    HTTP1_E_EXPECT = -25,         /* an expectation that is not known */
    HTTP1_E_TARGET_SIZE = -26,    /* the first line does not fit */
    HTTP1_E_HEAD_SIZE = -27,      /* the head does not fit */
};

/* Reads a request head from the N bytes at P, empty lines before it included.
 * SEEN says how many of these bytes an earlier call has answered 0 for (0 at
 * first): a head that comes byte by byte is then not read again each time. A
 * wrong byte may so be reported some bytes later, but never accepted.
 * Returns the bytes taken, 0 for not enough yet, or an http1_error. *OUT holds
 * nothing of use unless the result is above 0. */
ssize_t http1_read_request(struct http_request *out, const uint8_t *p, size_t n,
                           size_t seen) __attribute__((warn_unused_result));

/* Which error it is when the caller's limit of N bytes is reached and
 * http1_read_request still answers 0: HTTP1_E_TARGET_SIZE where not even the
 * first line is whole, else HTTP1_E_HEAD_SIZE. */
enum http1_error http1_full_error(const uint8_t *p, size_t n);

/* The first line as far as it has come, for the record of a request that was
 * refused. It may hold any byte but CR and LF. */
struct str http1_first_line(const uint8_t *p, size_t n);

/* The status to answer an error with: 400, 414, 417, 431, 501 or 505. */
int http1_error_status(enum http1_error error);

/* What is wrong, in words for a log; never NULL, also for other numbers. */
const char *http1_error_text(enum http1_error error);

/* Reads the field lines at P, up to and with the empty line that ends them, as
 * http1_read_request does: for other heads of HTTP/1. Returns as it does. */
ssize_t http1_read_fields(struct http_fields *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Do the fields say that the connection may stay open behind a message of
 * HTTP/1.MINOR? */
bool http1_keeps_alive(const struct http_fields *fields, int minor);

/* Appends "HTTP/1.1 STATUS reason\r\n". STATUS is 100 to 999. */
void http1_write_status(struct buf *to, int status);

/* Appends "name: value\r\n". The caller vouches for both (http_is_token,
 * http_is_value); codecs give only such ones. */
void http1_write_field(struct buf *to, struct str name, struct str value);

/* Appends "name: N\r\n". */
void http1_write_field_uint(struct buf *to, struct str name, uint64_t n);

/* Appends the empty line that ends a head. */
void http1_write_end(struct buf *to);

#endif
