/* SPDX-License-Identifier: MIT */
/*
 * The chunked transfer coding (RFC 9112, 7.1): a decoder that takes bytes as
 * they come and points at the data among them, and what a writer needs.
 *
 *      1a;ext CR LF | 26 bytes CR LF | 0 CR LF | Trailer: x CR LF | CR LF
 *
 * Refused: line ends other than CR LF, a size that is not 1 to 16 hex digits
 * or that is over INT64_MAX, anything but an extension after a size, control
 * bytes in extensions and trailers, trailers that are no field lines. Trailers
 * are checked and dropped, extensions too.
 */
#ifndef CODEC_CHUNKED_H
#define CODEC_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

enum {
    CHUNKED_MAX_EXTENSION = 256, /* bytes of the extensions of one chunk */
    CHUNKED_MAX_TRAILER = 8192,  /* bytes of all trailer lines */
    CHUNKED_SIZE_LINE = 18,      /* room that chunked_write_size needs */
};

enum chunked_error {
    CHUNKED_E_SIZE = -1,           /* not a chunk size */
    CHUNKED_E_OVERFLOW = -2,       /* a chunk size that is too large */
    CHUNKED_E_EXTENSION = -3,      /* a bad byte in an extension */
    CHUNKED_E_EXTENSION_SIZE = -4, /* extensions that are too long */
    CHUNKED_E_LINE_END = -5,       /* no CR LF where there must be one */
    CHUNKED_E_TRAILER = -6,        /* a trailer that is no field line */
    CHUNKED_E_TRAILER_SIZE = -7,   /* trailers that are too long */
};

/* A decoder. All but `done` and `total` is its own. */
struct chunked {
    uint64_t left;  /* of the chunk that is being read */
    uint64_t total; /* bytes of data so far */
    uint32_t used;  /* of a limit: extension, trailer, digits */
    uint8_t state;  /* what comes next */
    bool done;      /* the whole body has come, trailers too */
};

/* Before the first byte of a body. */
void chunked_init(struct chunked *c);

/* Takes bytes from the N at P, and sets *DATA to what of them is data, empty if
 * none is. Returns the bytes taken, of which there is at least one unless N is
 * 0 or the body is done, or a chunked_error, after which the decoder must not
 * be used again. It stops after each run of data, so call it until it has taken
 * all or is done; what follows the body is never taken. */
ssize_t chunked_read(struct chunked *c, const uint8_t *p, size_t n,
                     struct str *data) __attribute__((warn_unused_result));

/* What is wrong, in words for a log; never NULL. */
const char *chunked_error_text(enum chunked_error error);

/* Writes the line before a chunk of N bytes (N > 0) into OUT and returns its
 * length. After the data comes CR LF; after the last chunk "0\r\n\r\n". */
size_t chunked_write_size(char out[CHUNKED_SIZE_LINE], uint64_t n);

#endif
