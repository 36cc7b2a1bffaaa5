/* SPDX-License-Identifier: MIT */
#include "proxy/fastcgi_answer.h"

#include <stdint.h>

#include "base/arena.h"
#include "codec/http.h"
#include "codec/uri.h"
#include "proxy/http_answer.h"
#include "proxy/http_exchange.h"
#include "proxy/http_writer.h"

enum {
    HEAD_MAX = 32 << 10, /* bytes of a head; the writer adds to them */
};

void
answer_init(struct fastcgi_answer *answer, struct http_exchange *exchange)
{
    *answer = (struct fastcgi_answer){.exchange = exchange};
    buf_init_growing(&answer->head, HEAD_MAX);
}

/* Bytes of a head that is not whole are put aside, unless it comes in one
 * piece. */
ssize_t
answer_read_head(struct cgi_response *head, struct str *body,
                 struct fastcgi_answer *answer, struct str bytes)
{
    struct str all = bytes;
    ssize_t taken;

    if (answer->head.len > 0) {
        buf_str(&answer->head, bytes);
        all = buf_text(&answer->head);
    }
    if (answer->head.failed)
        return CGI_E_SIZE;
    taken = cgi_read_response(head, (const uint8_t *)all.p, all.len,
                              answer->head_seen);
    if (taken > 0) {
        *body = str_slice(all, (size_t)taken, all.len);
    } else if (taken == 0) {
        if (answer->head.len == 0)
            buf_str(&answer->head, bytes);
        answer->head_seen = answer->head.len;
    }
    return taken;
}

static bool
is_passed_on(const struct http_field *field)
{
    switch (field->id) {
    case HTTP_HEADER_STATUS:
    case HTTP_HEADER_CONNECTION:
    case HTTP_HEADER_KEEP_ALIVE:
    case HTTP_HEADER_CONTENT_LENGTH:
    case HTTP_HEADER_TRANSFER_ENCODING:
    case HTTP_HEADER_UPGRADE:
    case HTTP_HEADER_DATE:
    case HTTP_HEADER_SERVER:
    case HTTP_HEADER_X_ACCEL_REDIRECT:
    case HTTP_HEADER_X_ACCEL_BUFFERING:
        return false;
    default:
        return true;
    }
}

void
answer_begin(struct fastcgi_answer *answer, const struct cgi_response *head)
{
    struct http_exchange *exchange = answer->exchange;
    struct http_writer *writer = &exchange->writer;

    answer->begun = true;
    /* An error page keeps the status of the error. */
    exchange_begin_response(exchange, exchange->error_status != 0
                                          ? exchange->error_status
                                          : head->status);
    for (unsigned i = 0; i < head->fields.count; i++) {
        const struct http_field *field = &head->fields.at[i];

        if (is_passed_on(field))
            writer_field(writer, field->name, field->value);
    }
    if (head->content_length >= 0)
        writer_length(writer, (uint64_t)head->content_length);
}

void
answer_add(struct fastcgi_answer *answer, struct str bytes)
{
    struct http_exchange *exchange = answer->exchange;
    struct http_writer *writer = &exchange->writer;

    if (bytes.len == 0 || writer_span(writer, bytes))
        return;
    exchange_flush(exchange);
    if (!writer_span(writer, bytes))
        exchange->broken = true;
}

/* Fields of the answer that go with the file in its place, as in nginx. */
static void
carry_field(struct http_exchange *exchange, const struct http_field *field)
{
    struct http_field *to = &exchange->carried[exchange->carried_count];

    switch (field->id) {
    case HTTP_HEADER_CONTENT_TYPE:
        exchange->carried_type = exchange_join(exchange, field->value, STR(""));
        return;
    case HTTP_HEADER_CONTENT_DISPOSITION:
    case HTTP_HEADER_SET_COOKIE:
    case HTTP_HEADER_CACHE_CONTROL:
    case HTTP_HEADER_EXPIRES:
        break;
    default:
        return;
    }
    if (exchange->carried_count == EXCHANGE_CARRIED_MAX)
        return;
    *to = *field;
    to->name = exchange_join(exchange, field->name, STR(""));
    to->value = exchange_join(exchange, field->value, STR(""));
    if (to->name.p != NULL && to->value.p != NULL)
        exchange->carried_count++;
}

int
answer_redirect(struct fastcgi_answer *answer, const struct cgi_response *head,
                struct str uri)
{
    struct http_exchange *exchange = answer->exchange;
    struct str path;
    struct str query;
    char *space;

    uri = exchange_join(exchange, uri, STR(""));
    space = arena_alloc(&exchange->arena, uri.len + 1);
    uri_split(&path, &query, uri);
    if (uri.p == NULL || space == NULL ||
        uri_normalize(&exchange->path, space, path, URI_SLASH_DECODE) < 0)
        return -1;
    exchange->query = query;
    for (unsigned i = 0; i < head->fields.count; i++)
        carry_field(exchange, &head->fields.at[i]);
    exchange_become_get(exchange);
    return 0;
}

void
answer_drop(struct fastcgi_answer *answer)
{
    buf_fini(&answer->head);
}
