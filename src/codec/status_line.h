/* SPDX-License-Identifier: MIT */
/*
 * The first line of an HTTP/1 response (RFC 9112, 4), for whoever wants to know
 * the status alone.
 *
 *     HTTP/1.1 200 OK\r\n
 *
 * A lone LF ends it, too, and a reason may be missing with the space before it,
 * as old servers write it. Refused: anything but HTTP/1.0 or HTTP/1.1, a status
 * that is not 100 to 599, control bytes in the reason.
 */
#ifndef CODEC_STATUS_LINE_H
#define CODEC_STATUS_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    STATUS_LINE_MAX = 1024, /* bytes; longer ones are refused */
};

enum status_line_error {
    STATUS_LINE_E_VERSION = -1, /* no HTTP/1.0 or HTTP/1.1 */
    STATUS_LINE_E_STATUS = -2,  /* no number, or one out of range */
    STATUS_LINE_E_REASON = -3,  /* a control byte, or no end */
};

/* Sets *STATUS from the N bytes at P, the whole of what has come. Returns the
 * bytes taken, 0 for not enough yet, or a status_line_error, which needs no
 * more bytes than show it. */
ssize_t status_line_read(int *status, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* What is wrong, in words; never NULL. */
const char *status_line_error_text(enum status_line_error error);

#endif
