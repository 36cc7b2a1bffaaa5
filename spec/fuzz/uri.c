/* SPDX-License-Identifier: MIT */
/*
 * Paths, which come out without dot segments and go back in unchanged, and
 * arguments, which are found where they were listed.
 */
#include "codec/uri.h"

#include "fuzz.h"

/* Nothing that leads elsewhere is left. */
static void
check_normal(struct str path)
{
    size_t start = 1;

    FUZZ_CHECK(path.len > 0 && path.p[0] == '/');
    FUZZ_CHECK(memchr(path.p, '\0', path.len) == NULL);
    for (size_t i = 1; i <= path.len; i++) {
        struct str segment = str_slice(path, start, i);

        if (i < path.len && path.p[i] != '/')
            continue;
        FUZZ_CHECK(!str_equal(segment, STR(".")));
        FUZZ_CHECK(!str_equal(segment, STR("..")));
        FUZZ_CHECK(segment.len > 0 || i == path.len);
        start = i + 1;
    }
}

/* A normal path, written for a Location, reads as itself. */
static void
check_inverse(struct str path)
{
    struct str again;
    struct buf to;
    char *space;

    buf_init_growing(&to, 1 << 24);
    uri_write_path(&to, path);
    FUZZ_CHECK(!to.failed);
    space = malloc(to.len);
    FUZZ_CHECK(space != NULL);
    FUZZ_CHECK(uri_normalize(&again, space, buf_text(&to), URI_SLASH_REFUSE) ==
               0);
    FUZZ_CHECK(str_equal(again, path));
    free(space);
    buf_fini(&to);
}

static void
check_path(struct str path, enum uri_slash slash)
{
    char *space = malloc(path.len > 0 ? path.len : 1);
    struct str out;
    int got;

    FUZZ_CHECK(space != NULL);
    got = uri_normalize(&out, space, path, slash);
    if (got == 0) {
        FUZZ_CHECK(out.p == path.p || out.p == space);
        FUZZ_CHECK(out.len <= path.len);
        check_normal(out);
        check_inverse(out);
    } else {
        FUZZ_CHECK(uri_error_text((enum uri_error)got)[0] != 'u');
    }
    free(space);
}

static void
check_args(struct str query, const uint8_t *p, size_t n)
{
    struct str rest = query, name, value, found;

    while (uri_next_arg(&rest, &name, &value)) {
        uint8_t *copy = fuzz_copy(name.p, name.len);
        char *decoded = (char *)copy;
        size_t len = uri_decode_arg(decoded, str_make(decoded, name.len));

        FUZZ_CHECK(fuzz_inside(name, p, n));
        FUZZ_CHECK(value.p == NULL || fuzz_inside(value, p, n));
        FUZZ_CHECK(len <= name.len);
        FUZZ_CHECK(uri_find_arg(&found, query, str_make(decoded, len)));
        FUZZ_CHECK(found.p == NULL || found.p <= name.p + name.len + 1);
        free(copy);
    }
    FUZZ_CHECK(rest.len == 0);
}

/* What is written as an argument decodes to itself. */
static void
check_arg_inverse(struct str text)
{
    struct buf to;
    size_t len;

    buf_init_growing(&to, 1 << 24);
    uri_write_arg(&to, text);
    FUZZ_CHECK(!to.failed);
    len = uri_decode_arg(to.p, buf_text(&to));
    FUZZ_CHECK(str_equal(str_make(to.p, len), text));
    buf_fini(&to);
}

void
fuzz_uri(const uint8_t *p, size_t n)
{
    struct str all = str_make((const char *)p, n), path, query;

    check_path(all, URI_SLASH_DECODE);
    check_path(all, URI_SLASH_REFUSE);
    uri_split(&path, &query, all);
    FUZZ_CHECK(path.len + query.len + (query.p != NULL) == n);
    check_path(path, URI_SLASH_DECODE);
    if (n <= 4096)
        check_args(all, p, n);
    check_arg_inverse(all);
}
