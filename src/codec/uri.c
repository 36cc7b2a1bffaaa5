/* SPDX-License-Identifier: MIT */
/*
 * A path is read once, from left to right: each byte is decoded, then a slash
 * looks back at the segment that it ends. The output never gets ahead of the
 * input. Most paths need none of that, which is seen first.
 */
#include "codec/uri.h"

#include "codec/scan.h"

void
uri_split(struct str *path, struct str *query, struct str uri)
{
    ptrdiff_t mark = str_find_char(uri, '?', 0);

    *path = uri;
    *query = str_make(NULL, 0);
    if (mark >= 0) {
        path->len = (size_t)mark;
        *query = str_slice(uri, (size_t)mark + 1, uri.len);
    }
}

/* Is a path what normalizing would make of it? It is if it has no escape, no
 * NUL, and no slash that another slash or a dot follows. (A name that begins
 * with a dot takes the long way.) */
static bool
is_plain(struct str path)
{
    char before = 'x';

    for (size_t i = 0; i < path.len; i++) {
        char c = path.p[i];

        if (c == '%' || c == '\0')
            return false;
        if (before == '/' && (c == '/' || c == '.'))
            return false;
        before = c;
    }
    return true;
}

/* Ends the segment between the last slash of the LEN bytes at OUT and their
 * end. Returns the new length, at which a slash stands or comes, or an error.
 */
static ssize_t
end_segment(const char *out, size_t len)
{
    size_t start = len;

    while (out[start - 1] != '/')
        start--;
    if (len - start == 1 && out[start] == '.')
        return (ssize_t)start;
    if (len - start != 2 || out[start] != '.' || out[start + 1] != '.')
        return (ssize_t)len;
    if (start == 1)
        return URI_E_ABOVE;
    for (start--; out[start - 1] != '/';)
        start--;
    return (ssize_t)start;
}

/* Decodes the byte at *AT and goes on behind it. */
static int
decode_byte(char *out, struct str path, size_t *at, enum uri_slash slash)
{
    const uint8_t *p = (const uint8_t *)path.p + *at;
    uint8_t c = *p;

    if (c == '%') {
        if (path.len - *at < 3 || !scan_is_hex(p[1]) || !scan_is_hex(p[2]))
            return URI_E_ESCAPE;
        c = (uint8_t)(scan_hex[p[1]] << 4 | scan_hex[p[2]]);
        if (c == '/' && slash == URI_SLASH_REFUSE)
            return URI_E_SLASH;
        *at += 2;
    }
    *at += 1;
    *out = (char)c;
    return c == '\0' ? URI_E_NUL : 0;
}

int
uri_normalize(struct str *out, char *space, struct str path,
              enum uri_slash slash)
{
    size_t at = 1, len = 1;
    ssize_t end;

    if (path.len == 0 || path.p[0] != '/')
        return URI_E_RELATIVE;
    if (is_plain(path)) {
        *out = path;
        return 0;
    }
    space[0] = '/';
    while (at < path.len) {
        char c;
        int error = decode_byte(&c, path, &at, slash);

        if (error < 0)
            return error;
        if (c == '/') {
            end = end_segment(space, len);
            if (end < 0)
                return (int)end;
            len = (size_t)end;
        }
        if (c != '/' || space[len - 1] != '/')
            space[len++] = c;
    }
    end = end_segment(space, len);
    if (end < 0)
        return (int)end;
    *out = str_make(space, (size_t)end);
    return 0;
}

const char *
uri_error_text(enum uri_error error)
{
    switch (error) {
    case URI_E_RELATIVE:
        return "path does not start with /";
    case URI_E_ESCAPE:
        return "bad escape in path";
    case URI_E_NUL:
        return "NUL in path";
    case URI_E_ABOVE:
        return "path leads above the root";
    case URI_E_SLASH:
        return "encoded slash in path";
    }
    return "unknown error";
}

bool
uri_next_arg(struct str *rest, struct str *name, struct str *value)
{
    while (rest->len > 0) {
        ptrdiff_t mark = str_find_char(*rest, '&', 0);
        size_t len = mark < 0 ? rest->len : (size_t)mark;
        struct str piece = str_slice(*rest, 0, len);
        ptrdiff_t equals = str_find_char(piece, '=', 0);

        *rest = str_slice(*rest, len + 1, rest->len);
        if (piece.len == 0)
            continue;
        *name = piece;
        *value = str_make(NULL, 0);
        if (equals >= 0) {
            name->len = (size_t)equals;
            *value = str_slice(piece, (size_t)equals + 1, piece.len);
        }
        return true;
    }
    return false;
}

/* One byte of an argument from *AT on, decoded. */
static char
decode_arg_byte(struct str text, size_t *at)
{
    const uint8_t *p = (const uint8_t *)text.p + *at;

    *at += 1;
    if (*p == '+')
        return ' ';
    if (*p != '%' || text.len - *at < 2 || !scan_is_hex(p[1]) ||
        !scan_is_hex(p[2]))
        return (char)*p;
    *at += 2;
    return (char)(scan_hex[p[1]] << 4 | scan_hex[p[2]]);
}

/* Is TEXT, decoded, NAME? */
static bool
decodes_to(struct str text, struct str name)
{
    size_t at = 0, i = 0;

    while (at < text.len && i < name.len) {
        if (decode_arg_byte(text, &at) != name.p[i++])
            return false;
    }
    return at == text.len && i == name.len;
}

bool
uri_find_arg(struct str *value, struct str query, struct str name)
{
    struct str found, with;

    while (uri_next_arg(&query, &found, &with)) {
        if (decodes_to(found, name)) {
            *value = with;
            return true;
        }
    }
    return false;
}

size_t
uri_decode_arg(char *out, struct str text)
{
    size_t at = 0, len = 0;

    while (at < text.len)
        out[len++] = decode_arg_byte(text, &at);
    return len;
}

/* Appends TEXT with all bytes that are not of KIND as %XX. */
static void
write_encoded(struct buf *to, struct str text, enum scan_kind kind)
{
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *p = (const uint8_t *)text.p, *end = p + text.len;

    while (p < end) {
        const uint8_t *stop = scan_over(p, end, kind);

        buf_add(to, p, (size_t)(stop - p));
        if (stop == end)
            return;
        buf_add(to, (char[]){'%', digits[*stop >> 4], digits[*stop & 15]}, 3);
        p = stop + 1;
    }
}

void
uri_write_path(struct buf *to, struct str path)
{
    write_encoded(to, path, SCAN_PATH);
}

void
uri_write_arg(struct buf *to, struct str text)
{
    write_encoded(to, text, SCAN_UNRESERVED);
}
