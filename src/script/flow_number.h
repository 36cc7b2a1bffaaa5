/* SPDX-License-Identifier: MIT */
/*
 * Numbers for what a request says, as HAProxy makes them for its balance by
 * uri and hdr: of the client's own bytes, so that no Lua string is made.
 * lua/moongate/numbers.lua does the same to flows that are Lua tables.
 */
#ifndef SCRIPT_FLOW_NUMBER_H
#define SCRIPT_FLOW_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* The number of URI: of its first LEN bytes, before the slash that follows
 * DEPTH folders, and before its query unless WHOLE. LEN and DEPTH are not below
 * 0, and bound nothing where they are beyond the text. */
uint32_t flow_number_uri(struct str uri, double len, double depth, bool whole);

/* Sets *OUT to the number of the first element of the list VALUE; false, with
 * *OUT untouched, where that is empty. */
bool flow_number_element(uint32_t *out, struct str value);

#endif
