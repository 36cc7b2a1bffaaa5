/* SPDX-License-Identifier: MIT */
#include "base/texts.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wire.h"

enum {
    NUMBER_LEN = 4,
};

void
texts_put_number(struct buf *out, uint32_t number)
{
    uint8_t bytes[NUMBER_LEN];

    wire_put_u32le(bytes, number);
    buf_add(out, bytes, sizeof(bytes));
}

void
texts_put(struct buf *out, struct str text)
{
    texts_put_number(out, (uint32_t)text.len);
    buf_str(out, text);
}

size_t
texts_begin(struct buf *out)
{
    size_t at = out->len;

    texts_put_number(out, 0);
    return at;
}

void
texts_end(struct buf *out, size_t at)
{
    if (!out->failed)
        wire_put_u32le((uint8_t *)out->p + at,
                       (uint32_t)(out->len - at - NUMBER_LEN));
}

int
texts_take_number(uint32_t *number, struct str *rest)
{
    if (rest->len < NUMBER_LEN)
        return -1;
    *number = wire_get_u32le((const uint8_t *)rest->p);
    *rest = str_slice(*rest, NUMBER_LEN, rest->len);
    return 0;
}

int
texts_take(struct str *text, struct str *rest)
{
    struct str left = *rest;
    uint32_t len;

    if (texts_take_number(&len, &left) < 0 || len > left.len)
        return -1;
    *text = str_slice(left, 0, len);
    *rest = str_slice(left, len, left.len);
    return 0;
}

/* --- files ---------------------------------------------------------------- */

int
texts_write(int fd, const struct buf *texts)
{
    struct str bytes = buf_text(texts);

    if (texts->failed) {
        errno = ENOMEM;
        return -1;
    }
    for (size_t at = 0; at < bytes.len;) {
        ssize_t n = write(fd, bytes.p + at, bytes.len - at);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            at += (size_t)n;
    }
    return 0;
}

struct str
texts_map(int fd, size_t max)
{
    struct stat st;
    void *p;

    if (fstat(fd, &st) < 0 || st.st_size <= 0 || (size_t)st.st_size > max)
        return str_make(NULL, 0);
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    return p == MAP_FAILED ? str_make(NULL, 0)
                           : str_make(p, (size_t)st.st_size);
}

void
texts_unmap(struct str bytes)
{
    if (bytes.p != NULL)
        munmap((void *)(uintptr_t)bytes.p, bytes.len);
}
