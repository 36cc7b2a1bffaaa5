/* SPDX-License-Identifier: MIT */
/*
 * Dates of HTTP (RFC 9110, 5.6.7): seconds since 1970, UTC.
 *
 *      Sun, 06 Nov 1994 08:49:37 GMT     IMF-fixdate: read and written
 *      Sunday, 06-Nov-94 08:49:37 GMT    RFC 850: read
 *      Sun Nov  6 08:49:37 1994          asctime: read
 */
#ifndef CODEC_HTTPDATE_H
#define CODEC_HTTPDATE_H

#include <stdint.h>

#include "base/str.h"

enum {
    HTTPDATE_LEN = 29, /* bytes of an IMF-fixdate */
};

/* Reads a date in any of the three forms, which must be the whole TEXT. Names
 * of days must be names of days, but need not be right. Years of two digits are
 * 1970 to 2069, as in nginx. A leap second is read as the second after it.
 * Returns 0, or -1 with *OUT untouched. */
int httpdate_read(int64_t *out, struct str text)
    __attribute__((warn_unused_result));

/* Writes T as an IMF-fixdate, without a NUL. T is cut to the years 0 to 9999,
 * which is all that the form can say. */
void httpdate_write(char out[HTTPDATE_LEN], int64_t t);

#endif
