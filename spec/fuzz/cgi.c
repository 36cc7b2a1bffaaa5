/* SPDX-License-Identifier: MIT */
/*
 * A CGI response head: the same however it is cut; what is taken keeps to the
 * header's word.
 */
#include "codec/cgi.h"

#include "http.h"

static struct cgi_response whole, part;

static void
check_response(const struct cgi_response *r, const uint8_t *p, size_t n)
{
    FUZZ_CHECK(r->status >= 200 && r->status <= 999);
    FUZZ_CHECK(r->content_length >= -1);
    FUZZ_CHECK(r->reason.p == NULL || fuzz_inside(r->reason, p, n));
    FUZZ_CHECK(r->location.p == NULL || fuzz_inside(r->location, p, n));
    fuzz_check_fields(&r->fields, p, n);
}

static ssize_t
read_part(const uint8_t *p, size_t n, size_t seen)
{
    return cgi_read_response(&part, p, n, seen);
}

/* A variable's name has no byte that its field's name could not have. */
static void
check_name(const struct http_field *field)
{
    char *out = malloc(CGI_NAME_PREFIX + field->name.len);
    size_t len;

    FUZZ_CHECK(out != NULL);
    len = cgi_header_name(out, field->name);
    FUZZ_CHECK(len == CGI_NAME_PREFIX + field->name.len);
    FUZZ_CHECK(http_is_token(str_make(out, len)));
    FUZZ_CHECK(memchr(out, '-', len) == NULL);
    free(out);
}

void
fuzz_cgi(const uint8_t *p, size_t n)
{
    ssize_t got = cgi_read_response(&whole, p, n, 0);

    FUZZ_CHECK(got <= (ssize_t)n);
    if (got < 0)
        FUZZ_CHECK(cgi_error_text((enum cgi_error)got)[0] != 'u');
    fuzz_check_cuts(read_part, p, n, got);
    if (got > 0) {
        check_response(&whole, p, (size_t)got);
        for (unsigned i = 0; i < whole.fields.count; i++)
            check_name(&whole.fields.at[i]);
    }
}
