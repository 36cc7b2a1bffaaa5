/* SPDX-License-Identifier: MIT */
#include "proxy/log_text.h"

#include "base/utf8.h"

static const char digits[] = "0123456789ABCDEF";

/* How many bytes at P, of N, may stand as they are; 0: P[0] is escaped. */
static size_t
plain_len(enum log_text_style style, const uint8_t *p, size_t n)
{
    if (p[0] < 0x20 || p[0] == 0x7f || p[0] == '"')
        return 0;
    if (p[0] >= 0x80)
        return style == LOG_TEXT_JSON ? utf8_len(p, n) : 0;
    return p[0] != (style == LOG_TEXT_HAPROXY ? '#' : '\\');
}

/* Writes the escape of BYTE to OUT and returns its length, 6 at most. */
static size_t
escape(char *out, enum log_text_style style, uint8_t byte)
{
    static const char *const prefixes[] = {
        [LOG_TEXT_NGINX] = "\\x",
        [LOG_TEXT_HAPROXY] = "#",
        [LOG_TEXT_JSON] = "\\u00",
    };
    size_t len = strlen(prefixes[style]);

    if (style == LOG_TEXT_JSON && (byte == '"' || byte == '\\')) {
        out[0] = '\\';
        out[1] = (char)byte;
        return 2;
    }
    memcpy(out, prefixes[style], len);
    out[len] = digits[byte >> 4];
    out[len + 1] = digits[byte & 15];
    return len + 2;
}

/* How many bytes at P, of N, may stand as they are, and are at most MAX. */
static size_t
plain_run(enum log_text_style style, const uint8_t *p, size_t n, size_t max)
{
    size_t run = 0;

    while (run < n) {
        size_t len = plain_len(style, p + run, n - run);

        if (len == 0 || run + len > max)
            break;
        run += len;
    }
    return run;
}

void
log_text_write(struct buf *to, enum log_text_style style, struct str text,
               size_t max)
{
    const uint8_t *p = (const uint8_t *)text.p;
    size_t n = text.len;

    while (n > 0) {
        size_t run = plain_run(style, p, n, max);
        char escaped[8];
        size_t len;

        buf_add(to, p, run);
        max -= run;
        p += run;
        n -= run;
        if (n == 0 || plain_len(style, p, n) > 0)
            return;
        len = escape(escaped, style, p[0]);
        if (len > max)
            return;
        buf_add(to, escaped, len);
        max -= len;
        p++;
        n--;
    }
}

struct str
log_text_set(char *to, size_t size, struct str text)
{
    struct buf out;

    buf_init(&out, to, size - 1);
    log_text_write(&out, LOG_TEXT_NGINX, text, out.cap);
    to[out.len] = '\0';
    return str_make(to, out.len);
}
