/* SPDX-License-Identifier: MIT */
#include "codec/http1_answer.h"

#include "codec/http1.h"
#include "codec/scan.h"
#include "codec/status_line.h"

enum {
    MINOR_AT = 7, /* HTTP/1.1 */
};

/* 204 and 304 have no body, whatever their fields say (RFC 9112, 6.3). */
static bool
has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static int
settle_body(struct http1_answer *out)
{
    const struct http_fields *fields = &out->fields;
    const struct http_field *length =
        http_find(fields, HTTP_HEADER_CONTENT_LENGTH);
    const struct http_field *coding =
        http_find(fields, HTTP_HEADER_TRANSFER_ENCODING);

    if (coding != NULL && length != NULL)
        return HTTP1_ANSWER_E_BOTH;
    out->body = HTTP1_BODY_CLOSE;
    out->content_length = 0;
    if (coding != NULL) {
        out->body = HTTP1_BODY_CHUNKED;
        if (out->minor == 0 || !str_equal_nocase(coding->value, STR("chunked")))
            return HTTP1_ANSWER_E_CODING;
    }
    if (length != NULL) {
        out->body = HTTP1_BODY_LENGTH;
        if (str_to_uint(&out->content_length, length->value, INT64_MAX) != 0)
            return HTTP1_ANSWER_E_LENGTH;
    }
    if (!has_body(out->status))
        out->body = HTTP1_BODY_NONE;
    return 0;
}

/* "timeout=5, max=100" (RFC 2068, 19.7.1, which servers follow to this day). */
static uint32_t
read_idle(struct str list)
{
    static const struct str word = {"timeout=", 8};
    struct str item;

    while (http_list_next(&item, &list)) {
        uint64_t seconds;

        if (!str_equal_nocase(str_slice(item, 0, word.len), word))
            continue;
        item = str_slice(item, word.len, item.len);
        if (str_to_uint(&seconds, item, UINT32_MAX - 1) == 0)
            return (uint32_t)seconds;
    }
    return UINT32_MAX;
}

static int
fields_error(ssize_t error)
{
    switch (error) {
    case HTTP1_E_FIELD_COUNT:
        return HTTP1_ANSWER_E_COUNT;
    case HTTP1_E_LENGTH_TWICE:
        return HTTP1_ANSWER_E_LENGTH;
    case HTTP1_E_CODING_TWICE:
        return HTTP1_ANSWER_E_CODING;
    default:
        return HTTP1_ANSWER_E_FIELDS;
    }
}

/* The bytes taken, 0, or an error. */
static ssize_t
read_line(struct http1_answer *out, const uint8_t *p, size_t n)
{
    ssize_t line = status_line_read(&out->status, p, n);

    if (line == 0)
        return 0;
    if (line < 2 || p[line - 2] != '\r')
        return HTTP1_ANSWER_E_LINE;
    out->minor = p[MINOR_AT] - '0';
    return line;
}

ssize_t
http1_answer_read(struct http1_answer *out, const uint8_t *p, size_t n,
                  size_t seen)
{
    ssize_t line, fields;
    int error;

    if (seen > 0 && !scan_head_may_end(p, n, seen))
        return 0;
    line = read_line(out, p, n);
    if (line <= 0)
        return line;
    fields = http1_read_fields(&out->fields, p + line, n - (size_t)line);
    if (fields == 0)
        return 0;
    if (fields < 0)
        return fields_error(fields);
    if (out->status == 101)
        return HTTP1_ANSWER_E_SWITCH;
    error = settle_body(out);
    if (error < 0)
        return error;
    out->keep_alive = out->body != HTTP1_BODY_CLOSE &&
                      http1_keeps_alive(&out->fields, out->minor);
    out->idle_s = read_idle(http_value(&out->fields, HTTP_HEADER_KEEP_ALIVE));
    return line + fields;
}

const char *
http1_answer_error_text(enum http1_answer_error error)
{
    switch (error) {
    case HTTP1_ANSWER_E_LINE:
        return "no HTTP/1 answer";
    case HTTP1_ANSWER_E_FIELDS:
        return "a bad header line in the answer";
    case HTTP1_ANSWER_E_COUNT:
        return "too many headers in the answer";
    case HTTP1_ANSWER_E_LENGTH:
        return "a bad Content-Length in the answer";
    case HTTP1_ANSWER_E_CODING:
        return "a Transfer-Encoding that is not known in the answer";
    case HTTP1_ANSWER_E_BOTH:
        return "Content-Length and Transfer-Encoding in the answer";
    case HTTP1_ANSWER_E_SWITCH:
        return "the server switches to another protocol";
    }
    return "unknown error";
}

void
http1_body_init(struct http1_body *body, const struct http1_answer *answer)
{
    body->kind = answer->body;
    body->left = answer->content_length;
    chunked_init(&body->chunked);
    body->done = body->kind == HTTP1_BODY_NONE ||
                 (body->kind == HTTP1_BODY_LENGTH && body->left == 0);
}

ssize_t
http1_body_read(struct http1_body *body, const uint8_t *p, size_t n,
                struct str *data)
{
    ssize_t taken;

    *data = str_make((const char *)p, 0);
    if (body->done)
        return 0;
    if (body->kind == HTTP1_BODY_CHUNKED) {
        taken = chunked_read(&body->chunked, p, n, data);
        body->done = body->chunked.done;
        return taken;
    }
    data->len = n;
    if (body->kind == HTTP1_BODY_LENGTH) {
        if (data->len > body->left)
            data->len = (size_t)body->left;
        body->left -= data->len;
        body->done = body->left == 0;
    }
    return (ssize_t)data->len;
}

bool
http1_body_close(struct http1_body *body)
{
    if (body->kind == HTTP1_BODY_CLOSE)
        body->done = true;
    return body->done;
}
