/* SPDX-License-Identifier: MIT */
/*
 * The handles that several hooks get (script/calls_struct.h): who makes and
 * sets them.
 */
#ifndef SCRIPT_HANDLES_H
#define SCRIPT_HANDLES_H

#include "base/mem.h"

struct flow_result;
struct http_exchange;
struct vm;

/* Pushes the handle of an exchange, which the first hook of it has made.  0; or
 * -1, and what was raised is pushed in its place. */
int
handles_push_request(struct vm *vm, struct http_exchange *exchange) MUST_CHECK;

/* Sets the one handle `result`; its words are good until
 * calls_set_error(NULL). */
void handles_set_result(struct vm *vm, const struct flow_result *result);

#endif
