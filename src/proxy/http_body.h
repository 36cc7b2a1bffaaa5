/* SPDX-License-Identifier: MIT */
/*
 * A request's body as it is read off a client's connection, by its length or in
 * chunks.  It is put away whole for the exchange, or dropped.
 *
 *      bytes ─▶ body_read ─▶ exchange->body, up to max_body
 *                   └▶ taken, and whether more is to come
 */
#ifndef PROXY_HTTP_BODY_H
#define PROXY_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "codec/chunked.h"

struct http_exchange;
struct http_request;

struct http_body {
    uint64_t left;         /* of a body with Content-Length */
    struct chunked chunks; /* of one without */
    bool chunked;          /* it is one without */
    bool done;             /* it has come to its end, or there is none */
};

enum body_result {
    BODY_MORE,  /* is to come */
    BODY_DONE,  /* it is whole */
    BODY_WRONG, /* its framing is: 400 */
    BODY_LARGE, /* over max_body: 413 */
    BODY_FULL,  /* it could not be stored, errno says why: 500 */
};

/* At the end of HEAD, before the first byte of its body. */
void body_begin(struct http_body *body, const struct http_request *head);

/* Reads what of the body is among the N bytes at P (there may be none) and adds
 * it to TO's, or drops it if TO is NULL.  *TAKEN is always set: the bytes
 * that were read, and never what follows the body.  After BODY_WRONG,
 * BODY_LARGE and BODY_FULL the rest can no longer be told from the next
 * request. */
enum body_result
body_read(size_t *taken, struct http_body *body, const uint8_t *p, size_t n,
          struct http_exchange *to) MUST_CHECK;

#endif
