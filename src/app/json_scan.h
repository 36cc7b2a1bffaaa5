/* SPDX-License-Identifier: MIT */
/*
 * Looks things up in a JSON text that this program has written (board/json.h),
 * without building anything of it: values are slices of the text. What is not
 * there, or no JSON, is an absent slice, and 0 or "" as a value.
 */
#ifndef APP_JSON_SCAN_H
#define APP_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The value of the member NAME of OBJECT. */
struct str json_scan_get(struct str object, const char *name);

/* Goes through an array: *REST is the array at first. false: that was all. */
bool json_scan_next(struct str *item, struct str *rest);

/* A number's whole part; below 0 it is 0. */
uint64_t json_scan_uint(struct str value);

bool json_scan_is_true(struct str value);

/* A string's text for a terminal, cut to SIZE - 1 bytes: what is not printable
 * ASCII is a question mark. Returns TO. */
char *json_scan_text(char *to, size_t size, struct str value);

#endif
