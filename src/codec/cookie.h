/* SPDX-License-Identifier: MIT */
/*
 * The Cookie request field (RFC 6265, 5.4), read as servers read it: pairs
 * between ';', white space around them dropped, names compared exactly.
 */
#ifndef CODEC_COOKIE_H
#define CODEC_COOKIE_H

#include <stdbool.h>

#include "base/str.h"

/* Takes the next pair off *REST. A piece without '=' has an empty name, as in
 * browsers; empty pieces are skipped. A pair of double quotes around a value
 * belongs to the value. False at the end. */
bool cookie_next(struct str *rest, struct str *name, struct str *value);

/* Finds the first cookie NAME in a Cookie field's value. */
bool cookie_find(struct str *value, struct str field, struct str name);

#endif
