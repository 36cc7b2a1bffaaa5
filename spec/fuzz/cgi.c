/* SPDX-License-Identifier: MIT */
/*
 * A CGI response head: the same however it is cut; what is taken keeps to the
 * header's word.
 */
#include "codec/cgi.h"

#include "fuzz.h"

enum {
    MAX_EACH_CUT = 160, /* bytes up to which every cut is tried */
};

static struct cgi_response whole, part;

static void
check_response(const struct cgi_response *r, const uint8_t *p, size_t n)
{
    FUZZ_CHECK(r->status >= 200 && r->status <= 999);
    FUZZ_CHECK(r->content_length >= -1);
    FUZZ_CHECK(r->reason.p == NULL || fuzz_inside(r->reason, p, n));
    FUZZ_CHECK(r->location.p == NULL || fuzz_inside(r->location, p, n));
    FUZZ_CHECK(r->fields.count <= HTTP_MAX_FIELDS);
    for (unsigned i = 0; i < r->fields.count; i++) {
        const struct http_field *field = &r->fields.at[i];

        FUZZ_CHECK(fuzz_inside(field->name, p, n));
        FUZZ_CHECK(fuzz_inside(field->value, p, n));
        FUZZ_CHECK(http_is_token(field->name));
        FUZZ_CHECK(http_is_value(field->value));
    }
}

static void
check_cut(const uint8_t *p, size_t n, size_t cut, ssize_t got)
{
    uint8_t *copy = fuzz_copy(p, cut);
    ssize_t first = cgi_read_response(&part, copy, cut, 0), second;

    free(copy);
    if (first != 0) {
        FUZZ_CHECK(first == got);
        return;
    }
    FUZZ_CHECK(got <= 0 || (size_t)got > cut);
    if (cut == 0)
        return;
    second = cgi_read_response(&part, p, n, cut);
    FUZZ_CHECK(second == got || (second == 0 && got < 0));
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
    for (size_t cut = 0; cut < n && n <= MAX_EACH_CUT; cut++)
        check_cut(p, n, cut, got);
    if (n > MAX_EACH_CUT)
        check_cut(p, n, (size_t)(p[0] << 8 | p[1]) % n, got);
    if (got > 0) {
        check_response(&whole, p, (size_t)got);
        for (unsigned i = 0; i < whole.fields.count; i++)
            check_name(&whole.fields.at[i]);
    }
}
