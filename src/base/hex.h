/* SPDX-License-Identifier: MIT */
/*
 * Bytes as hexadecimal digits, in lower case.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Writes the two digits of each of the LEN bytes, and no NUL. */
void hex_write(char *out, const uint8_t *bytes, size_t len);

#endif
