/* SPDX-License-Identifier: MIT */
/*
 * The head of a CGI response (RFC 3875, 6) as php-fpm sends it in STDOUT, and
 * the names that request fields have as CGI variables.
 *
 *      Status: 404 Not Found
 *      Content-Type: text/html
 *                                 (empty line; then the body)
 *
 * Lines may end in LF or in CR LF, as servers take them. Refused: NUL, a CR
 * elsewhere, other control bytes, continuation lines, names that are no tokens,
 * a Status that is not 200 to 999 and two of them, a Content-Length that is not
 * a plain number and two that differ.
 */
#ifndef CODEC_CGI_H
#define CODEC_CGI_H

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "codec/http.h"

enum {
    CGI_NAME_PREFIX = 5, /* bytes of "HTTP_" */
};

enum cgi_error {
    CGI_E_LINE_END = -1,    /* a CR that no LF follows */
    CGI_E_CONTROL = -2,     /* a NUL or another control byte */
    CGI_E_FOLD = -3,        /* a line that begins with white space */
    CGI_E_NAME = -4,        /* a field name that is not a token */
    CGI_E_COLON = -5,       /* a line without a colon */
    CGI_E_FIELD_COUNT = -6, /* more than HTTP_MAX_FIELDS */
    CGI_E_STATUS = -7,      /* a Status that is none, or a second one */
    CGI_E_LENGTH = -8,      /* a Content-Length that is none, or another */
    CGI_E_SIZE = -9,        /* a head that does not fit; the caller's to say */
};

/* One response head. All texts point into the bytes that were read. */
struct cgi_response {
    int status;                /* of Status; else 302 with Location, else 200 */
    bool has_status;           /* there was a Status field */
    struct str reason;         /* after the number in Status; may be empty */
    struct str location;       /* of Location; p is NULL without */
    int64_t content_length;    /* as announced; -1 where it was not */
    struct http_fields fields; /* all of them, Status included */
};

/* Reads a response head from the N bytes at P, its empty line included. SEEN
 * says how many of these bytes an earlier call has answered 0 for. Returns the
 * bytes taken, 0 for not enough yet, or a cgi_error: the answer to the client
 * is 502. *OUT holds nothing of use unless the result is above 0. */
ssize_t cgi_read_response(struct cgi_response *out, const uint8_t *p, size_t n,
                          size_t seen) __attribute__((warn_unused_result));

/* What is wrong, in words for a log; never NULL. */
const char *cgi_error_text(enum cgi_error error);

/* Writes the CGI variable's name of a request field: "HTTP_", then NAME in
 * upper case with '_' for '-'. OUT has room for CGI_NAME_PREFIX + name.len
 * bytes. Returns the length. Content-Type and Content-Length, which have no
 * prefix, are the caller's. */
size_t cgi_header_name(char *out, struct str name);

#endif
