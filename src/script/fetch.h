/* SPDX-License-Identifier: MIT */
/*
 * One HTTP request of a script, and its answer, as script/http.lua calls it:
 * the module `script.fetch`.
 *
 *     new(options)     a fetch of the running task; or nil, reason. OPTIONS are
 * a table: host, port, secured, verify, ca (trusts.h), timeout_ms (of all of
 * it), max_body, repeats (whether the request may be sent twice) step(f, head,
 * body)   goes on; HEAD and BODY, texts, are what is sent: false it waited:
 * call it again "head", status, headers "data", text        a piece of the body
 *                           "end"
 *                           nil, reason
 *                      after the last two it is over
 *
 * What fails on a kept connection that the server has closed, before a byte of
 * an answer, is sent once more on a new one: where it may be repeated, or
 * nothing of it has been sent.
 */
#ifndef SCRIPT_FETCH_H
#define SCRIPT_FETCH_H

#include <lua.h>

enum {
    FETCH_HEAD_MAX = 64 * 1024, /* bytes of an answer's head */
};

/* Pushes the module. */
int fetch_open(lua_State *L);

#endif
