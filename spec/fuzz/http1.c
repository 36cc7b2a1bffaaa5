/* SPDX-License-Identifier: MIT */
/*
 * A request head: the same whole, in two pieces and byte by byte; what is taken
 * keeps to the header's word; written out again, it reads the same.
 */
#include "codec/http1.h"

#include "fuzz.h"

static struct http_request whole, part;

static void
check_fields(const struct http_request *r, const uint8_t *p, size_t n)
{
    FUZZ_CHECK(r->fields.count <= HTTP_MAX_FIELDS);
    for (unsigned i = 0; i < r->fields.count; i++) {
        const struct http_field *field = &r->fields.at[i];
        bool forged = r->absolute && field->id == HTTP_HEADER_HOST;

        FUZZ_CHECK(forged || fuzz_inside(field->name, p, n));
        FUZZ_CHECK(fuzz_inside(field->value, p, n));
        FUZZ_CHECK(http_is_token(field->name));
        FUZZ_CHECK(http_is_value(field->value));
        FUZZ_CHECK(str_equal(str_trim(field->value), field->value));
        FUZZ_CHECK(field->id == http_header_id(field->name));
        FUZZ_CHECK(http_find(&r->fields, field->id) <= field);
    }
}

static void
check_host(const struct http_request *r)
{
    if (r->host.p == NULL) {
        FUZZ_CHECK(r->minor == 0 && r->port == -1);
        return;
    }
    FUZZ_CHECK(r->host.len > 0 && r->host.p[0] != '.');
    FUZZ_CHECK(memchr(r->host.p, '/', r->host.len) == NULL);
    FUZZ_CHECK(memmem(r->host.p, r->host.len, "..", 2) == NULL);
    FUZZ_CHECK(r->port >= -1 && r->port <= 65535);
}

static void
check_request(const struct http_request *r, const uint8_t *p, size_t n)
{
    FUZZ_CHECK(fuzz_inside(r->method_name, p, n));
    FUZZ_CHECK(fuzz_inside(r->target, p, n));
    FUZZ_CHECK(r->uri.len > 0);
    FUZZ_CHECK(r->asterisk ? str_equal(r->uri, STR("*")) : r->uri.p[0] == '/');
    FUZZ_CHECK(r->path.p == r->uri.p && r->path.len <= r->uri.len);
    FUZZ_CHECK(memchr(r->path.p, '?', r->path.len) == NULL);
    FUZZ_CHECK((r->query.p == NULL) == (r->path.len == r->uri.len));
    FUZZ_CHECK(r->method != HTTP_METHOD_CONNECT);
    FUZZ_CHECK(!r->chunked || (r->content_length == -1 && r->minor == 1));
    FUZZ_CHECK(r->has_body == (r->chunked || r->content_length > 0));
    FUZZ_CHECK(!r->expect_continue || r->has_body);
    check_host(r);
    check_fields(r, p, n);
}

static ssize_t
read_part(const uint8_t *p, size_t n, size_t seen)
{
    return http1_read_request(&part, p, n, seen);
}

/* Written out again, the request reads the same. */
static void
check_inverse(const struct http_request *r)
{
    struct buf to;
    ssize_t got;

    buf_init_growing(&to, 1 << 22);
    buf_str(&to, r->method_name);
    buf_char(&to, ' ');
    buf_str(&to, r->uri);
    buf_str(&to, r->minor == 1 ? STR(" HTTP/1.1\r\n") : STR(" HTTP/1.0\r\n"));
    for (unsigned i = 0; i < r->fields.count; i++)
        http1_write_field(&to, r->fields.at[i].name, r->fields.at[i].value);
    http1_write_end(&to);
    FUZZ_CHECK(!to.failed);

    got = http1_read_request(&part, (const uint8_t *)to.p, to.len, 0);
    FUZZ_CHECK(got == (ssize_t)to.len);
    FUZZ_CHECK(part.method == r->method && part.minor == r->minor);
    FUZZ_CHECK(str_equal(part.uri, r->uri) && str_equal(part.host, r->host));
    FUZZ_CHECK(part.port == r->port && part.chunked == r->chunked);
    FUZZ_CHECK(part.content_length == r->content_length);
    FUZZ_CHECK(part.keep_alive == r->keep_alive);
    FUZZ_CHECK(part.expect_continue == r->expect_continue);
    FUZZ_CHECK(part.fields.count == r->fields.count);
    buf_fini(&to);
}

void
fuzz_http1(const uint8_t *p, size_t n)
{
    ssize_t got = http1_read_request(&whole, p, n, 0);
    struct str line = http1_first_line(p, n);

    FUZZ_CHECK(got <= (ssize_t)n);
    FUZZ_CHECK(line.len == 0 || fuzz_inside(line, p, n));
    if (got < 0) {
        int status = http1_error_status((enum http1_error)got);

        FUZZ_CHECK(status >= 400 && status <= 505);
        FUZZ_CHECK(http1_error_text((enum http1_error)got)[0] != 'u');
    }
    fuzz_check_cuts(read_part, p, n, got);
    if (got > 0) {
        check_request(&whole, p, (size_t)got);
        check_inverse(&whole);
    }
}
