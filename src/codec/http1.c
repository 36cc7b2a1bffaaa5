/* SPDX-License-Identifier: MIT */
/*
 * One pass over a request head, then one look at what its fields say together.
 *
 *      empty lines ─▶ method SP target SP version CR LF
 *                                │
 *                     name: value CR LF ...  CR LF ─▶ host, framing, connection
 *
 * Each step takes a cursor forward and answers READ_OK, READ_MORE where the
 * bytes end too early, or an http1_error.
 */
#include "codec/http1.h"

#include <arpa/inet.h>

#include "codec/scan.h"

enum {
    READ_MORE = 0, /* the bytes end before the step does */
    READ_OK = 1,   /* the cursor stands behind the step */
};

struct cursor {
    const uint8_t *p;   /* the next byte */
    const uint8_t *end; /* behind the last one */
};

/* Why a byte that ended a piece is wrong there, and OTHERWISE if it is a
 * printable one. */
static int
refuse_byte(uint8_t c, int otherwise)
{
    if (c == '\0')
        return HTTP1_E_NUL;
    if (c == '\n')
        return HTTP1_E_LINE_END;
    if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f)
        return HTTP1_E_CONTROL;
    return otherwise;
}

/* A line end, at which the cursor stands. */
static int
read_line_end(struct cursor *at)
{
    if (at->p == at->end)
        return READ_MORE;
    if (*at->p != '\r')
        return refuse_byte(*at->p, HTTP1_E_LINE_END);
    if (at->end - at->p < 2)
        return READ_MORE;
    if (at->p[1] != '\n')
        return HTTP1_E_LINE_END;
    at->p += 2;
    return READ_OK;
}

static int
read_empty_lines(struct cursor *at)
{
    int lines = 0;

    while (at->p < at->end && (*at->p == '\r' || *at->p == '\n')) {
        int got = read_line_end(at);

        if (got != READ_OK)
            return got;
        if (++lines > HTTP1_MAX_EMPTY_LINES)
            return HTTP1_E_EMPTY_LINES;
    }
    return READ_OK;
}

static int
read_method(struct http_request *out, struct cursor *at)
{
    const uint8_t *end = scan_over(at->p, at->end, SCAN_METHOD);

    if (end - at->p > HTTP1_MAX_METHOD)
        return HTTP1_E_METHOD;
    if (end == at->end)
        return READ_MORE;
    if (*end != ' ' || end == at->p)
        return refuse_byte(*end, HTTP1_E_METHOD);

    out->method_name = scan_text(at->p, end);
    out->method = http_method_id(out->method_name);
    if (out->method == HTTP_METHOD_CONNECT)
        return HTTP1_E_CONNECT;
    at->p = end + 1;
    return READ_OK;
}

static int
read_target(struct http_request *out, struct cursor *at)
{
    const uint8_t *end = scan_target(at->p, at->end);

    if (end == at->end)
        return READ_MORE;
    if (*end != ' ')
        return refuse_byte(*end, HTTP1_E_VERSION_SYNTAX);
    if (end == at->p)
        return HTTP1_E_TARGET;
    out->target = scan_text(at->p, end);
    at->p = end + 1;
    return READ_OK;
}

/* The version and its line end. What is there of it is looked at even if it is
 * not all there, so that other protocols are refused at once. */
static int
read_version(struct http_request *out, struct cursor *at)
{
    static const char form[] = "HTTP/0.0\r\n";
    const size_t len = sizeof(form) - 1;
    size_t n = (size_t)(at->end - at->p);

    if (n > len)
        n = len;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = at->p[i];

        if (form[i] == '0' && c >= '0' && c <= '9')
            continue;
        if (form[i] == '0' || c != (uint8_t)form[i])
            return refuse_byte(c, i < len - 1 ? HTTP1_E_VERSION_SYNTAX
                                              : HTTP1_E_LINE_END);
    }
    if (n < len)
        return READ_MORE;
    if (at->p[5] != '1' || at->p[7] > '1')
        return HTTP1_E_VERSION;
    out->minor = at->p[7] - '0';
    at->p += len;
    return READ_OK;
}

/* Fields that stand for one thing may stand only once. */
static int
refuse_second(enum http_header id)
{
    if (id == HTTP_HEADER_HOST)
        return HTTP1_E_HOST_TWICE;
    if (id == HTTP_HEADER_CONTENT_LENGTH)
        return HTTP1_E_LENGTH_TWICE;
    if (id == HTTP_HEADER_TRANSFER_ENCODING)
        return HTTP1_E_CODING_TWICE;
    return READ_OK;
}

static int
add_field(struct http_fields *fields, struct str name, struct str value,
          bool underscore)
{
    struct http_field *field = &fields->at[fields->count];

    if (fields->count == HTTP_MAX_FIELDS)
        return HTTP1_E_FIELD_COUNT;
    field->name = name;
    field->value = value;
    field->id = http_header_id(name);
    field->underscore = underscore;
    fields->count++;
    if (fields->first[field->id] != 0)
        return refuse_second(field->id);
    fields->first[field->id] = (uint8_t)fields->count;
    return READ_OK;
}

/* Why a name is not followed by a colon. */
static int
refuse_name_end(uint8_t c, bool empty)
{
    if (c == ' ' || c == '\t')
        return empty ? HTTP1_E_FOLD : HTTP1_E_NAME_SPACE;
    if (c == '\r' && !empty)
        return HTTP1_E_COLON;
    return refuse_byte(c, HTTP1_E_NAME);
}

/* One field line, which is not the empty one. */
static int
read_field(struct http_fields *fields, struct cursor *at)
{
    const uint8_t *name = at->p, *colon = name, *value, *end;
    unsigned kinds = 0;
    int got;

    while (colon < at->end && scan_is(*colon, SCAN_TOKEN))
        kinds |= scan_kinds[*colon++];
    if (colon == at->end)
        return READ_MORE;
    if (*colon != ':' || colon == name)
        return refuse_name_end(*colon, colon == name);

    value = scan_blank(colon + 1, at->end);
    end = scan_value(value, at->end);
    at->p = end;
    got = read_line_end(at);
    if (got != READ_OK)
        return got;
    return add_field(fields, scan_text(name, colon), scan_trimmed(value, end),
                     (kinds & SCAN_UNDERSCORE) != 0);
}

static int
read_fields(struct http_fields *fields, struct cursor *at)
{
    int got;

    http_fields_init(fields);
    for (;;) {
        if (at->p == at->end)
            return READ_MORE;
        if (*at->p == '\r')
            return read_line_end(at);
        got = read_field(fields, at);
        if (got != READ_OK)
            return got;
    }
}

/* The port after a host; no digits is no port (RFC 3986, 3.2.3). */
static int
read_port(int *out, struct str digits)
{
    uint64_t port;

    if (digits.len == 0) {
        *out = -1;
        return READ_OK;
    }
    if (digits.len > 5 || str_to_uint(&port, digits, 65535) != 0)
        return HTTP1_E_HOST;
    *out = (int)port;
    return READ_OK;
}

/* The length of "[address]" at the start of TEXT, or 0 where it is none. */
static size_t
address_len(struct str text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    ptrdiff_t bracket = str_find_char(text, ']', 0);
    size_t len;

    if (bracket < 0 || (size_t)bracket > sizeof(address))
        return 0;
    len = (size_t)bracket - 1;
    memcpy(address, text.p + 1, len);
    address[len] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1 ? len + 2 : 0;
}

/* The length of the name at the start of TEXT, or 0 where it is none. No label
 * is empty, so that no name is "..", whatever it becomes a part of; a dot may
 * end it. */
static size_t
name_len(struct str text)
{
    const uint8_t *p = (const uint8_t *)text.p;
    const uint8_t *end = scan_over(p, p + text.len, SCAN_UNRESERVED);
    size_t len = (size_t)(end - p);

    if (len == 0 || len > HTTP1_MAX_HOST || p[0] == '.')
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (p[i] == '.' && p[i - 1] == '.')
            return 0;
    }
    return len;
}

/* "host", "host:port" or "[address]:port". A name is of unreserved bytes alone:
 * neither the escapes nor the commas that RFC 3986 allows have a use in one but
 * to be understood in two ways. */
static int
read_authority(struct str *host, int *port, struct str text)
{
    size_t len;

    if (text.len == 0)
        return HTTP1_E_HOST;
    len = text.p[0] == '[' ? address_len(text) : name_len(text);
    if (len == 0)
        return HTTP1_E_HOST;
    *host = str_make(text.p, len);
    if (len == text.len) {
        *port = -1;
        return READ_OK;
    }
    if (text.p[len] != ':')
        return HTTP1_E_HOST;
    return read_port(port, str_slice(text, len + 1, text.len));
}

/* The Host field, which must be there in 1.1 (RFC 9112, 3.2). */
static int
settle_host(struct http_request *out)
{
    const struct http_field *field = http_find(&out->fields, HTTP_HEADER_HOST);

    out->host = str_make(NULL, 0);
    out->port = -1;
    if (field != NULL)
        return read_authority(&out->host, &out->port, field->value);
    return out->minor == 0 ? READ_OK : HTTP1_E_HOST_MISSING;
}

/* Takes AUTHORITY for Host, as RFC 9112, 3.2.2 demands, in the fields too, so
 * that nobody behind us sees another one. */
static int
replace_host(struct http_request *out, struct str authority)
{
    struct http_fields *fields = &out->fields;
    int got = read_authority(&out->host, &out->port, authority);

    if (got != READ_OK)
        return got;
    if (fields->first[HTTP_HEADER_HOST] == 0)
        return add_field(fields, STR("Host"), authority, false);
    fields->at[fields->first[HTTP_HEADER_HOST] - 1].value = authority;
    return READ_OK;
}

/* The length of "http://" or "https://" at the start of TARGET, or 0. */
static size_t
scheme_len(struct str target)
{
    static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (str_equal_nocase(str_slice(target, 0, schemes[i].len), schemes[i]))
            return schemes[i].len;
    }
    return 0;
}

static int
settle_absolute(struct http_request *out)
{
    struct str target = out->target;
    size_t start = scheme_len(target), end = start;

    if (start == 0)
        return HTTP1_E_TARGET;
    while (end < target.len && target.p[end] != '/' && target.p[end] != '?')
        end++;
    /* A query behind no path could not be given on as it was sent. */
    if (end < target.len && target.p[end] == '?')
        return HTTP1_E_TARGET;
    out->absolute = true;
    if (end < target.len)
        out->uri = str_slice(target, end, target.len);
    else if (out->method == HTTP_METHOD_OPTIONS)
        out->uri = STR("*");
    else
        out->uri = STR("/");
    return replace_host(out, str_slice(target, start, end));
}

static int
settle_target(struct http_request *out)
{
    struct str target = out->target;
    ptrdiff_t mark;
    int got;

    if (str_find_char(target, '#', 0) >= 0)
        return HTTP1_E_TARGET;
    out->uri = target;
    out->absolute = false;
    if (target.p[0] != '/' && !str_equal(target, STR("*"))) {
        got = settle_absolute(out);
        if (got != READ_OK)
            return got;
    }
    out->asterisk = out->uri.p[0] == '*';
    if (out->asterisk && out->method != HTTP_METHOD_OPTIONS)
        return HTTP1_E_ASTERISK;

    mark = str_find_char(out->uri, '?', 0);
    out->path = out->uri;
    out->query = str_make(NULL, 0);
    if (mark >= 0) {
        out->path.len = (size_t)mark;
        out->query = str_slice(out->uri, (size_t)mark + 1, out->uri.len);
    }
    return READ_OK;
}

/* How the body is framed (RFC 9112, 6). */
static int
settle_body(struct http_request *out)
{
    const struct http_field *length, *coding;
    uint64_t n;

    length = http_find(&out->fields, HTTP_HEADER_CONTENT_LENGTH);
    coding = http_find(&out->fields, HTTP_HEADER_TRANSFER_ENCODING);
    out->content_length = -1;
    out->chunked = coding != NULL;
    out->has_body = out->chunked;
    if (coding != NULL) {
        if (length != NULL)
            return HTTP1_E_LENGTH_CODING;
        if (out->minor == 0)
            return HTTP1_E_CODING_VERSION;
        if (!str_equal_nocase(coding->value, STR("chunked")))
            return HTTP1_E_CODING;
    }
    if (length != NULL) {
        if (str_to_uint(&n, length->value, INT64_MAX) != 0)
            return HTTP1_E_LENGTH;
        out->content_length = (int64_t)n;
        out->has_body = n > 0;
    }
    return READ_OK;
}

bool
http1_keeps_alive(const struct http_fields *fields, int minor)
{
    bool close = false, keep_alive = false;
    unsigned i = fields->first[HTTP_HEADER_CONNECTION];

    for (; i > 0 && i <= fields->count; i++) {
        const struct http_field *field = &fields->at[i - 1];

        if (field->id != HTTP_HEADER_CONNECTION)
            continue;
        /* What nearly every client says needs no list. */
        if (str_equal_nocase(field->value, STR("keep-alive"))) {
            keep_alive = true;
            continue;
        }
        close |= http_list_has(field->value, STR("close"));
        keep_alive |= http_list_has(field->value, STR("keep-alive"));
    }
    return !close && (minor > 0 || keep_alive);
}

/* Expect counts in 1.1 alone, and without a body asks for nothing (RFC 9110,
 * 10.1.1). */
static int
settle_expect(struct http_request *out)
{
    const struct http_fields *fields = &out->fields;
    unsigned i = fields->first[HTTP_HEADER_EXPECT];

    out->expect_continue = false;
    if (out->minor == 0)
        return READ_OK;
    for (; i > 0 && i <= fields->count; i++) {
        const struct http_field *field = &fields->at[i - 1];

        if (field->id != HTTP_HEADER_EXPECT)
            continue;
        if (!str_equal_nocase(field->value, STR("100-continue")))
            return HTTP1_E_EXPECT;
        out->expect_continue = out->has_body;
    }
    return READ_OK;
}

/* What the parts mean together, once all are there. */
static int
settle(struct http_request *out)
{
    int got = settle_host(out);

    if (got == READ_OK)
        got = settle_target(out);
    if (got == READ_OK)
        got = settle_body(out);
    if (got == READ_OK)
        got = settle_expect(out);
    out->keep_alive = http1_keeps_alive(&out->fields, out->minor);
    return got;
}

ssize_t
http1_read_request(struct http_request *out, const uint8_t *p, size_t n,
                   size_t seen)
{
    struct cursor at = {p, p + n};
    int got;

    if (seen > 0 && !scan_head_may_end(p, n, seen))
        return 0;
    got = read_empty_lines(&at);
    if (got == READ_OK)
        got = read_method(out, &at);
    if (got == READ_OK)
        got = read_target(out, &at);
    if (got == READ_OK)
        got = read_version(out, &at);
    if (got == READ_OK)
        got = read_fields(&out->fields, &at);
    if (got == READ_OK)
        got = settle(out);
    return got == READ_OK ? at.p - p : got;
}

ssize_t
http1_read_fields(struct http_fields *out, const uint8_t *p, size_t n)
{
    struct cursor at = {p, p + n};
    int got = read_fields(out, &at);

    return got == READ_OK ? at.p - p : got;
}

enum http1_error
http1_full_error(const uint8_t *p, size_t n)
{
    struct cursor at = {p, p + n};

    if (read_empty_lines(&at) == READ_OK &&
        memchr(at.p, '\n', (size_t)(at.end - at.p)) != NULL)
        return HTTP1_E_HEAD_SIZE;
    return HTTP1_E_TARGET_SIZE;
}

struct str
http1_first_line(const uint8_t *p, size_t n)
{
    const uint8_t *end = p + n, *stop;

    while (p < end && (*p == '\r' || *p == '\n'))
        p++;
    for (stop = p; stop < end && *stop != '\r' && *stop != '\n';)
        stop++;
    return scan_text(p, stop);
}

int
http1_error_status(enum http1_error error)
{
    switch (error) {
    case HTTP1_E_EMPTY_LINES:
    case HTTP1_E_METHOD:
    case HTTP1_E_TARGET:
    case HTTP1_E_ASTERISK:
    case HTTP1_E_VERSION_SYNTAX:
    case HTTP1_E_LINE_END:
    case HTTP1_E_NUL:
    case HTTP1_E_CONTROL:
    case HTTP1_E_FOLD:
    case HTTP1_E_NAME:
    case HTTP1_E_NAME_SPACE:
    case HTTP1_E_COLON:
    case HTTP1_E_HOST_MISSING:
    case HTTP1_E_HOST_TWICE:
    case HTTP1_E_HOST:
    case HTTP1_E_LENGTH:
    case HTTP1_E_LENGTH_TWICE:
    case HTTP1_E_LENGTH_CODING:
    case HTTP1_E_CODING_TWICE:
    case HTTP1_E_CODING_VERSION:
        return 400;
    case HTTP1_E_TARGET_SIZE:
        return 414;
    case HTTP1_E_EXPECT:
        return 417;
    case HTTP1_E_FIELD_COUNT:
    case HTTP1_E_HEAD_SIZE:
        return 431;
    case HTTP1_E_CONNECT:
    case HTTP1_E_CODING:
        return 501;
    case HTTP1_E_VERSION:
        return 505;
    }
    return 400;
}

const char *
http1_error_text(enum http1_error error)
{
    static const char *const texts[] = {
        [-HTTP1_E_EMPTY_LINES] = "too many empty lines before a request",
        [-HTTP1_E_METHOD] = "bad method",
        [-HTTP1_E_CONNECT] = "method CONNECT is not supported",
        [-HTTP1_E_TARGET] = "bad request target",
        [-HTTP1_E_ASTERISK] = "target * without method OPTIONS",
        [-HTTP1_E_VERSION_SYNTAX] = "bad or missing HTTP version",
        [-HTTP1_E_VERSION] = "HTTP version is not supported",
        [-HTTP1_E_LINE_END] = "line end is not CR LF",
        [-HTTP1_E_NUL] = "NUL in head",
        [-HTTP1_E_CONTROL] = "control byte in head",
        [-HTTP1_E_FOLD] = "line begins with white space",
        [-HTTP1_E_NAME] = "bad header name",
        [-HTTP1_E_NAME_SPACE] = "white space before colon",
        [-HTTP1_E_COLON] = "header line without colon",
        [-HTTP1_E_FIELD_COUNT] = "too many header fields",
        [-HTTP1_E_HOST_MISSING] = "no Host",
        [-HTTP1_E_HOST_TWICE] = "more than one Host",
        [-HTTP1_E_HOST] = "bad Host",
        [-HTTP1_E_LENGTH] = "bad Content-Length",
        [-HTTP1_E_LENGTH_TWICE] = "more than one Content-Length",
        [-HTTP1_E_LENGTH_CODING] = "both Content-Length and Transfer-Encoding",
        [-HTTP1_E_CODING] = "Transfer-Encoding is not supported",
        [-HTTP1_E_CODING_TWICE] = "more than one Transfer-Encoding",
        [-HTTP1_E_CODING_VERSION] = "Transfer-Encoding in HTTP/1.0",
        [-HTTP1_E_EXPECT] = "expectation is not supported",
        [-HTTP1_E_TARGET_SIZE] = "request line is too long",
        [-HTTP1_E_HEAD_SIZE] = "request head is too large",
    };
    const int count = sizeof(texts) / sizeof(texts[0]);

    return error < 0 && error > -count ? texts[-error] : "unknown error";
}

void
http1_write_status(struct buf *to, int status)
{
    struct str text = http_status_text(status);

    buf_str(to, STR("HTTP/1.1 "));
    if (text.len > 0) {
        buf_str(to, text);
    } else {
        buf_uint(to, (uint64_t)status);
        buf_str(to, STR(" Unknown"));
    }
    buf_str(to, STR("\r\n"));
}

void
http1_write_field(struct buf *to, struct str name, struct str value)
{
    char *p = buf_reserve(to, name.len + value.len + 4);

    if (p == NULL)
        return;
    memcpy(p, name.p, name.len);
    p += name.len;
    *p++ = ':';
    *p++ = ' ';
    if (value.len > 0)
        memcpy(p, value.p, value.len);
    p += value.len;
    *p++ = '\r';
    *p++ = '\n';
    to->len += name.len + value.len + 4;
}

void
http1_write_field_uint(struct buf *to, struct str name, uint64_t n)
{
    buf_str(to, name);
    buf_str(to, STR(": "));
    buf_uint(to, n);
    buf_str(to, STR("\r\n"));
}

void
http1_write_end(struct buf *to)
{
    buf_str(to, STR("\r\n"));
}
