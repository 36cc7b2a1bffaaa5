/* SPDX-License-Identifier: MIT */
#include "proxy/http_body.h"

#include "base/str.h"
#include "codec/http.h"
#include "proxy/http_exchange.h"
#include "proxy/spool.h"

void
body_begin(struct http_body *body, const struct http_request *head)
{
    body->done = !head->has_body;
    body->chunked = head->chunked;
    body->left = 0;
    if (head->chunked)
        chunked_init(&body->chunks);
    else if (head->has_body)
        body->left = (uint64_t)head->content_length;
}

static enum body_result
store(struct http_exchange *to, const void *p, size_t n)
{
    if (n == 0 || to == NULL)
        return BODY_MORE;
    if (spool_len(&to->body) + n > to->max_body_bytes)
        return BODY_LARGE;
    return spool_append(&to->body, p, n) < 0 ? BODY_FULL : BODY_MORE;
}

static enum body_result
read_chunks(size_t *taken, struct http_body *body, const uint8_t *p, size_t n,
            struct http_exchange *to)
{
    while (*taken < n && !body->chunks.done) {
        enum body_result result;
        struct str data;
        ssize_t used =
            chunked_read(&body->chunks, p + *taken, n - *taken, &data);

        if (used < 0)
            return BODY_WRONG;
        *taken += (size_t)used;
        result = store(to, data.p, data.len);
        if (result != BODY_MORE)
            return result;
    }
    return body->chunks.done ? BODY_DONE : BODY_MORE;
}

static enum body_result
read_length(size_t *taken, struct http_body *body, const uint8_t *p, size_t n,
            struct http_exchange *to)
{
    enum body_result result;

    if (n > body->left)
        n = (size_t)body->left;
    *taken = n;
    result = store(to, p, n);
    body->left -= n;
    if (result != BODY_MORE)
        return result;
    return body->left == 0 ? BODY_DONE : BODY_MORE;
}

enum body_result
body_read(size_t *taken, struct http_body *body, const uint8_t *p, size_t n,
          struct http_exchange *to)
{
    enum body_result result;

    *taken = 0;
    result = body->chunked ? read_chunks(taken, body, p, n, to)
                           : read_length(taken, body, p, n, to);
    if (result == BODY_DONE)
        body->done = true;
    return result;
}
