/* SPDX-License-Identifier: MIT */
/*
 * FastCGI 1.0 records, as a web server speaks them to an application.
 *
 *      BEGIN_REQUEST | PARAMS... PARAMS(0) | STDIN... STDIN(0)   ─▶
 *      ◀─   STDOUT and STDERR... | END_REQUEST
 *
 * A record is a header of 8 bytes, content and padding. A content is at most
 * 65535 bytes; the writers split what is longer.
 */
#ifndef CODEC_FCGI_H
#define CODEC_FCGI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

enum {
    FCGI_VERSION = 1,           /* the only one there is */
    FCGI_HEADER_LEN = 8,        /* bytes of a record's header */
    FCGI_BEGIN_LEN = 8,         /* bytes of a BEGIN_REQUEST's content */
    FCGI_END_LEN = 8,           /* bytes of an END_REQUEST's content */
    FCGI_MAX_CONTENT = 65535,   /* bytes of one record's content */
    FCGI_MAX_PAIR = 0x7fffffff, /* bytes of a name or of a value */
};

enum fcgi_type {
    FCGI_BEGIN_REQUEST = 1,      /* to the application */
    FCGI_ABORT_REQUEST = 2,      /* to the application */
    FCGI_END_REQUEST = 3,        /* from it */
    FCGI_PARAMS = 4,             /* to it; an empty one ends the stream */
    FCGI_STDIN = 5,              /* to it; an empty one ends the stream */
    FCGI_STDOUT = 6,             /* from it */
    FCGI_STDERR = 7,             /* from it */
    FCGI_DATA = 8,               /* to a filter: not used here */
    FCGI_GET_VALUES = 9,         /* to it, request 0 */
    FCGI_GET_VALUES_RESULT = 10, /* from it, request 0 */
    FCGI_UNKNOWN_TYPE = 11,      /* from it, request 0 */
};

enum fcgi_role {
    FCGI_RESPONDER = 1, /* answers requests, as CGI does */
};

enum fcgi_flag {
    FCGI_KEEP_CONN = 1, /* the application leaves the connection open */
};

enum fcgi_status {
    FCGI_REQUEST_COMPLETE = 0, /* the usual end */
    FCGI_CANT_MPX_CONN = 1,    /* no second request on this connection */
    FCGI_OVERLOADED = 2,       /* something that it needs is used up */
    FCGI_UNKNOWN_ROLE = 3,     /* it does not know the role */
};

enum fcgi_error {
    FCGI_E_VERSION = -1, /* a record of another version: no FastCGI */
    FCGI_E_LENGTH = -2,  /* a content of the wrong length */
    FCGI_E_PAIR = -3,    /* a pair that is longer than all that is left */
};

struct fcgi_header {
    uint8_t type;         /* an fcgi_type */
    uint8_t padding_len;  /* bytes to skip after the content */
    uint16_t request_id;  /* 0: the connection itself */
    uint16_t content_len; /* bytes after the header */
};

struct fcgi_end {
    uint32_t app_status; /* what the program would have exited with */
    uint8_t status;      /* an fcgi_status */
};

struct fcgi_pair {
    struct str name;  /* may be empty */
    struct str value; /* may be empty */
};

/* Reads the header of a record. Takes 8 bytes, or answers 0 or an error. Types
 * are not looked at. */
ssize_t fcgi_read_header(struct fcgi_header *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Reads the content of an END_REQUEST, whose length N must be 8. */
ssize_t fcgi_read_end(struct fcgi_end *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Reads one pair from a whole stream of PARAMS of which N bytes are left. Never
 * answers 0: what is cut off is FCGI_E_PAIR. */
ssize_t fcgi_read_pair(struct fcgi_pair *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* What is wrong, in words for a log; never NULL. */
const char *fcgi_error_text(enum fcgi_error error);

/* What an END_REQUEST's status means, in words. */
const char *fcgi_status_text(uint8_t status);

/* Writes a header into OUT; padding bytes, if any, are the caller's to send. */
void
fcgi_put_header(uint8_t out[FCGI_HEADER_LEN], enum fcgi_type type,
                uint16_t request_id, uint16_t content_len, uint8_t padding_len);

/* Appends a header. */
void fcgi_write_header(struct buf *to, enum fcgi_type type, uint16_t request_id,
                       uint16_t content_len, uint8_t padding_len);

/* Appends a BEGIN_REQUEST for a responder; FLAGS is 0 or FCGI_KEEP_CONN. */
void fcgi_write_begin(struct buf *to, uint16_t request_id, uint8_t flags);

/* Appends an ABORT_REQUEST. */
void fcgi_write_abort(struct buf *to, uint16_t request_id);

/* Appends an END_REQUEST, as an application does. */
void fcgi_write_end(struct buf *to, uint16_t request_id, uint32_t app_status,
                    enum fcgi_status status);

/* Bytes of one encoded pair. */
size_t fcgi_pair_len(struct str name, struct str value);

/* Appends one pair, lengths in 1 or 4 bytes each. Sets to->failed where one of
 * them is over FCGI_MAX_PAIR. */
void fcgi_write_pair(struct buf *to, struct str name, struct str value);

/* Begins a PARAMS stream: leaves room for a header and returns its place. After
 * it come fcgi_write_pair and blocks that were encoded before, and nothing
 * else, up to fcgi_close_params. */
size_t fcgi_open_params(struct buf *to);

/* Ends the PARAMS stream that began at AT: the header that room was left for,
 * further ones in the midst of it if it is over FCGI_MAX_CONTENT, and the empty
 * record. */
void fcgi_close_params(struct buf *to, size_t at, uint16_t request_id);

/* Appends DATA as a stream's records, split where it is too long for one. Empty
 * DATA writes nothing, since an empty record would end the stream. */
void fcgi_write_stream(struct buf *to, enum fcgi_type type, uint16_t request_id,
                       struct str data);

#endif
