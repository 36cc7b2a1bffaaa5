/* SPDX-License-Identifier: MIT */
/*
 * A state a place in the coding; a bulk of data is one step.
 *
 *     SIZE ─▶ EXTENSION ─▶ SIZE_LF ─▶ DATA ─▶ DATA_CR ─▶ DATA_LF ─▶ SIZE
 *                             │ size 0
 *                             ▼
 *     TRAILER ─▶ NAME ─▶ VALUE ─▶ VALUE_LF ─▶ TRAILER ─▶ END_LF ─▶ DONE
 */
#include "codec/chunked.h"

#include "codec/scan.h"

enum {
    SIZE,      /* hex digits; `used` counts them */
    EXTENSION, /* up to CR; `used` counts the bytes */
    SIZE_LF,   /* LF behind a size */
    DATA,      /* `left` bytes of data */
    DATA_CR,   /* CR behind data */
    DATA_LF,   /* LF behind data */
    TRAILER,   /* the start of a trailer line or the last one */
    NAME,      /* a trailer's name */
    VALUE,     /* a trailer's value */
    VALUE_LF,  /* LF behind a trailer */
    END_LF,    /* LF behind all */
};

enum {
    MAX_DIGITS = 16, /* of a size: 64 bits */
};

void
chunked_init(struct chunked *c)
{
    *c = (struct chunked){.state = SIZE};
}

/* A byte of a size, or the one behind it. */
static int
take_size(struct chunked *c, uint8_t byte)
{
    if (scan_is_hex(byte)) {
        if (c->used == MAX_DIGITS)
            return CHUNKED_E_OVERFLOW;
        c->left = c->left << 4 | scan_hex[byte];
        c->used++;
        return 0;
    }
    if (c->used == 0)
        return CHUNKED_E_SIZE;
    if (c->left > INT64_MAX || c->total > INT64_MAX - c->left)
        return CHUNKED_E_OVERFLOW;
    if (byte == '\n')
        return CHUNKED_E_LINE_END;
    if (byte != '\r' && byte != ';')
        return CHUNKED_E_SIZE;
    c->used = 0;
    c->state = byte == '\r' ? SIZE_LF : EXTENSION;
    return 0;
}

static int
take_extension(struct chunked *c, uint8_t byte)
{
    if (byte == '\r') {
        c->state = SIZE_LF;
        return 0;
    }
    if (byte == '\n')
        return CHUNKED_E_LINE_END;
    if (!scan_is(byte, SCAN_VALUE))
        return CHUNKED_E_EXTENSION;
    return ++c->used > CHUNKED_MAX_EXTENSION ? CHUNKED_E_EXTENSION_SIZE : 0;
}

/* A CR or LF that must come now. */
static int
take_line_end(struct chunked *c, uint8_t byte, char wanted, uint8_t next)
{
    if (byte != (uint8_t)wanted)
        return CHUNKED_E_LINE_END;
    c->state = next;
    return 0;
}

static int
take_size_lf(struct chunked *c, uint8_t byte)
{
    c->used = 0;
    return take_line_end(c, byte, '\n', c->left > 0 ? DATA : TRAILER);
}

/* A byte of the trailers, of which only the form matters. */
static int
take_trailer(struct chunked *c, uint8_t byte)
{
    if (++c->used > CHUNKED_MAX_TRAILER)
        return CHUNKED_E_TRAILER_SIZE;
    if (byte == '\n')
        return CHUNKED_E_LINE_END;
    if (c->state == VALUE) {
        if (byte == '\r')
            c->state = VALUE_LF;
        else if (!scan_is(byte, SCAN_VALUE))
            return CHUNKED_E_TRAILER;
        return 0;
    }
    if (c->state == TRAILER && byte == '\r')
        c->state = END_LF;
    else if (c->state == NAME && byte == ':')
        c->state = VALUE;
    else if (scan_is(byte, SCAN_TOKEN))
        c->state = NAME;
    else
        return CHUNKED_E_TRAILER;
    return 0;
}

static int
take_byte(struct chunked *c, uint8_t byte)
{
    switch (c->state) {
    case SIZE:
        return take_size(c, byte);
    case EXTENSION:
        return take_extension(c, byte);
    case SIZE_LF:
        return take_size_lf(c, byte);
    case DATA_CR:
        return take_line_end(c, byte, '\r', DATA_LF);
    case DATA_LF:
        return take_line_end(c, byte, '\n', SIZE);
    case VALUE_LF:
        c->used++;
        return take_line_end(c, byte, '\n', TRAILER);
    case END_LF:
        c->done = byte == '\n';
        return c->done ? 0 : CHUNKED_E_LINE_END;
    default:
        return take_trailer(c, byte);
    }
}

ssize_t
chunked_read(struct chunked *c, const uint8_t *p, size_t n, struct str *data)
{
    size_t at = 0;

    *data = str_make((const char *)p, 0);
    while (at < n && !c->done) {
        int error;

        if (c->state == DATA) {
            size_t len = c->left < n - at ? (size_t)c->left : n - at;

            *data = str_make((const char *)p + at, len);
            c->left -= len;
            c->total += len;
            if (c->left == 0)
                c->state = DATA_CR;
            return (ssize_t)(at + len);
        }
        error = take_byte(c, p[at++]);
        if (error < 0)
            return error;
    }
    return (ssize_t)at;
}

const char *
chunked_error_text(enum chunked_error error)
{
    switch (error) {
    case CHUNKED_E_SIZE:
        return "bad chunk size";
    case CHUNKED_E_OVERFLOW:
        return "chunk size is too large";
    case CHUNKED_E_EXTENSION:
        return "bad byte in chunk extension";
    case CHUNKED_E_EXTENSION_SIZE:
        return "chunk extensions are too long";
    case CHUNKED_E_LINE_END:
        return "line end in chunked body is not CR LF";
    case CHUNKED_E_TRAILER:
        return "bad trailer";
    case CHUNKED_E_TRAILER_SIZE:
        return "trailers are too long";
    }
    return "unknown error";
}

size_t
chunked_write_size(char out[CHUNKED_SIZE_LINE], uint64_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 1;

    for (uint64_t rest = n >> 4; rest != 0; rest >>= 4)
        len++;
    for (size_t i = len; i > 0; i--) {
        out[i - 1] = digits[n & 15];
        n >>= 4;
    }
    out[len] = '\r';
    out[len + 1] = '\n';
    return len + 2;
}
