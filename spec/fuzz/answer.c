/* SPDX-License-Identifier: MIT */
/*
 * An answer and its body: the same however they are cut, nothing is taken that
 * was not there, and a body by its length is as long as that.
 */
#include "codec/http1_answer.h"

#include "http.h"

static struct http1_answer whole, part;

static void
check_head(const struct http1_answer *a, const uint8_t *p, size_t n)
{
    FUZZ_CHECK(a->status >= 100 && a->status <= 599 && a->status != 101);
    FUZZ_CHECK(a->minor == 0 || a->minor == 1);
    FUZZ_CHECK(a->body != HTTP1_BODY_CLOSE || !a->keep_alive);
    fuzz_check_fields(&a->fields, p, n);
}

static ssize_t
read_part(const uint8_t *p, size_t n, size_t seen)
{
    return http1_answer_read(&part, p, n, seen);
}

/* The bytes of data in the N at P, in pieces of SIZE; -1 for an error. */
static ssize_t
read_body(struct http1_body *body, const uint8_t *p, size_t n, size_t size)
{
    size_t at = 0;
    ssize_t total = 0;

    http1_body_init(body, &whole);
    while (at < n && !body->done) {
        size_t len = n - at < size ? n - at : size;
        struct str data;
        ssize_t taken = http1_body_read(body, p + at, len, &data);

        if (taken < 0)
            return -1;
        FUZZ_CHECK(taken > 0 && (size_t)taken <= len);
        FUZZ_CHECK(fuzz_inside(data, p + at, (size_t)taken));
        at += (size_t)taken;
        total += (ssize_t)data.len;
    }
    return total;
}

static void
check_body(const uint8_t *p, size_t n)
{
    struct http1_body at_once, in_bytes;
    ssize_t total = read_body(&at_once, p, n, n + 1);

    FUZZ_CHECK(read_body(&in_bytes, p, n, 1) == total);
    if (total < 0)
        return;
    FUZZ_CHECK(at_once.done == in_bytes.done);
    if (at_once.kind == HTTP1_BODY_LENGTH)
        FUZZ_CHECK((uint64_t)total + at_once.left == whole.content_length);
}

void
fuzz_answer(const uint8_t *p, size_t n)
{
    ssize_t got = http1_answer_read(&whole, p, n, 0);

    FUZZ_CHECK(got <= (ssize_t)n);
    if (got < 0)
        FUZZ_CHECK(http1_answer_error_text((enum http1_answer_error)got)[0] !=
                   'u');
    fuzz_check_cuts(read_part, p, n, got);
    if (got <= 0)
        return;
    check_head(&whole, p, (size_t)got);
    check_body(p + got, n - (size_t)got);
}
