/* SPDX-License-Identifier: MIT */
/*
 * Response heads of CGI: field lines as in HTTP, read with the tolerance for LF
 * alone that CGI programs need, and what their server fields say.
 */
#include "codec/cgi.h"

#include "codec/scan.h"

enum {
    READ_MORE = 0, /* the bytes end before the line does */
    READ_OK = 1,   /* a field was read */
    READ_END = 2,  /* the empty line was read */
};

struct cursor {
    const uint8_t *p;   /* the next byte */
    const uint8_t *end; /* behind the last one */
};

/* A line end, LF or CR LF, at which the cursor stands. */
static int
read_line_end(struct cursor *at)
{
    const uint8_t *p = at->p;

    if (p < at->end && *p == '\r')
        p++;
    if (p == at->end)
        return READ_MORE;
    if (*p != '\n')
        return p == at->p ? CGI_E_CONTROL : CGI_E_LINE_END;
    at->p = p + 1;
    return READ_OK;
}

/* Why a name is not followed by a colon. */
static int
refuse_name_end(uint8_t c, bool empty)
{
    if (empty && (c == ' ' || c == '\t'))
        return CGI_E_FOLD;
    if (!empty && (c == '\r' || c == '\n'))
        return CGI_E_COLON;
    return scan_is(c, SCAN_VALUE) ? CGI_E_NAME : CGI_E_CONTROL;
}

static int
read_line(struct http_fields *fields, struct cursor *at)
{
    const uint8_t *name = at->p, *colon, *value, *end;
    int got;

    if (name < at->end && (*name == '\r' || *name == '\n')) {
        got = read_line_end(at);
        return got == READ_OK ? READ_END : got;
    }
    colon = scan_over(name, at->end, SCAN_TOKEN);
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
    if (http_add(fields, scan_text(name, colon), scan_trimmed(value, end)) != 0)
        return CGI_E_FIELD_COUNT;
    return READ_OK;
}

/* "404 Not Found", "404" */
static int
read_status(struct cgi_response *out, struct str value)
{
    uint64_t status;

    if (str_to_uint(&status, str_slice(value, 0, 3), 999) != 0 || status < 200)
        return CGI_E_STATUS;
    if (value.len > 3 && value.p[3] != ' ')
        return CGI_E_STATUS;
    out->status = (int)status;
    out->has_status = true;
    out->reason = str_trim(str_slice(value, 3, value.len));
    return READ_OK;
}

static int
settle_status(struct cgi_response *out)
{
    const struct http_fields *fields = &out->fields;
    const struct http_field *status = http_find(fields, HTTP_HEADER_STATUS);

    out->location = http_value(fields, HTTP_HEADER_LOCATION);
    out->has_status = false;
    out->reason = str_make(NULL, 0);
    out->status = out->location.p != NULL ? 302 : 200;
    if (status == NULL)
        return READ_OK;
    for (unsigned i = fields->first[HTTP_HEADER_STATUS]; i < fields->count;
         i++) {
        if (fields->at[i].id == HTTP_HEADER_STATUS)
            return CGI_E_STATUS;
    }
    return read_status(out, status->value);
}

static int
settle_length(struct cgi_response *out)
{
    const struct http_fields *fields = &out->fields;
    unsigned i = fields->first[HTTP_HEADER_CONTENT_LENGTH];
    uint64_t length;

    out->content_length = -1;
    for (; i > 0 && i <= fields->count; i++) {
        const struct http_field *field = &fields->at[i - 1];

        if (field->id != HTTP_HEADER_CONTENT_LENGTH)
            continue;
        if (str_to_uint(&length, field->value, INT64_MAX) != 0)
            return CGI_E_LENGTH;
        if (out->content_length >= 0 && (uint64_t)out->content_length != length)
            return CGI_E_LENGTH;
        out->content_length = (int64_t)length;
    }
    return READ_OK;
}

/* May a head end in the bytes from SEEN on? It may where an LF follows another
 * one, with or without a CR between them, or begins the head. */
static bool
may_end(const uint8_t *p, size_t n, size_t seen)
{
    while (seen < n) {
        const uint8_t *lf = memchr(p + seen, '\n', n - seen);
        size_t at;

        if (lf == NULL)
            return false;
        at = (size_t)(lf - p);
        if (at < 2 || p[at - 1] == '\n' ||
            (p[at - 1] == '\r' && p[at - 2] == '\n'))
            return true;
        seen = at + 1;
    }
    return false;
}

ssize_t
cgi_read_response(struct cgi_response *out, const uint8_t *p, size_t n,
                  size_t seen)
{
    struct cursor at = {p, p + n};
    int got;

    if (seen > 0 && !may_end(p, n, seen))
        return 0;
    http_fields_init(&out->fields);
    do {
        got = read_line(&out->fields, &at);
    } while (got == READ_OK);
    if (got != READ_END)
        return got;
    got = settle_status(out);
    if (got == READ_OK)
        got = settle_length(out);
    return got == READ_OK ? at.p - p : got;
}

const char *
cgi_error_text(enum cgi_error error)
{
    switch (error) {
    case CGI_E_LINE_END:
        return "CR without LF in response head";
    case CGI_E_CONTROL:
        return "control byte in response head";
    case CGI_E_FOLD:
        return "line of response head begins with white space";
    case CGI_E_NAME:
        return "bad header name in response";
    case CGI_E_COLON:
        return "line without colon in response head";
    case CGI_E_FIELD_COUNT:
        return "too many header fields in response";
    case CGI_E_STATUS:
        return "bad Status in response";
    case CGI_E_LENGTH:
        return "bad Content-Length in response";
    case CGI_E_SIZE:
        return "response head is too large";
    }
    return "unknown error";
}

size_t
cgi_header_name(char *out, struct str name)
{
    memcpy(out, "HTTP_", CGI_NAME_PREFIX);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];

        if (c >= 'a' && c <= 'z')
            c = (char)(c - ('a' - 'A'));
        out[CGI_NAME_PREFIX + i] = c == '-' ? '_' : c;
    }
    return CGI_NAME_PREFIX + name.len;
}
